import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { commands } from "#clients/cli/commands/all.ts";

const root = new URL("..", import.meta.url).pathname;
const pages = globSync("**/*.md", {
  cwd: root,
  exclude: ["**/node_modules/**", "**/.*/**", "build/**", "dist/**", "coverage/**"],
});
const texts = new Map(pages.map((page) => [page, readFileSync(join(root, page), "utf8")]));
const scripts: Record<string, string> = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;

const fence = /^( *)```[^\n]*\n([\s\S]*?)^\1```$/gm;

/** A page without its blocks of code. */
function readProse(text: string): string {
  return text.replace(fence, "");
}

/** Code in a page: its blocks, and what stands between backticks. */
function readCode(text: string): string[] {
  const blocks = Array.from(text.matchAll(fence), ([, , block = ""]) => block);
  return [...blocks, ...readSpans(text)];
}

function readSpans(text: string): string[] {
  return Array.from(readProse(text).matchAll(/`([^`\n]+)`/g), ([, span = ""]) => span);
}

/** The anchors of a page's headings, as GitHub makes them. */
function listAnchors(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of readProse(text).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = words.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

function listLinks(text: string): string[] {
  const prose = readProse(text).replace(/`[^`\n]*`/g, "");
  const inline = prose.matchAll(/\]\(([^)\s]+)\)/g);
  const named = prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm);
  return [...inline, ...named].map(([, target = ""]) => target).filter((target) => !/^[a-z]+:/i.test(target));
}

/** What is wrong with a link, or null. */
function checkLink(page: string, link: string): string | null {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(root, target))) return `${page}: ${link}: there is no ${target}`;
  if (anchor === undefined) return null;
  const text = texts.get(target);
  return text && listAnchors(text).has(anchor) ? null : `${page}: ${link}: no heading makes #${anchor}`;
}

test("every relative link in every page leads to a file, and its anchor to a heading", () => {
  const links = [...texts].flatMap(([page, text]) => listLinks(text).map((link) => checkLink(page, link)));
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter((fault) => fault !== null)).toEqual([]);
});

/** Everything in a page that matches, with the page before it, once each. */
function findAll(pattern: RegExp): { page: string; words: string[] }[] {
  return [...texts].flatMap(([page, text]) =>
    readCode(text).flatMap((code) => Array.from(code.matchAll(pattern), ([, ...words]) => ({ page, words }))),
  );
}

test("every `npm run …` that a page names is a script of package.json", () => {
  const named = findAll(/\bnpm run ([\w:-]+)/g).map(({ page, words: [script = ""] }) => ({ page, script }));
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ script }) => !(script in scripts))).toEqual([]);
});

test("every `npx …` that a page names is a program of the clone", () => {
  const named = findAll(/\bnpx ([\w@/-]+)/g).map(({ page, words: [program = ""] }) => ({ page, program }));
  expect(named.length).toBeGreaterThan(5);
  const isOurs = (program: string) => program === "penstock" || existsSync(join(root, "node_modules/.bin", program));
  expect(named.filter(({ program }) => !isOurs(program))).toEqual([]);
});

test("every `./penstock …` that a page names is a command of the CLI", () => {
  const named = findAll(/(?:\.\/|npx )penstock +([a-z-]+)(?: ([a-z]+))?/g);
  expect(named.length).toBeGreaterThan(5);
  const names = new Set(["help", ...commands.map(({ name }) => name)]);
  const isCommand = ([first = "", second = ""]: string[]) => names.has(first) || names.has(`${first} ${second}`);
  expect(named.filter(({ words }) => !isCommand(words))).toEqual([]);
});

/** Paths in the clone, as they are, as patterns, or without their end: `test/journeys/limits`. */
function isPath(span: string): boolean {
  const path = span.replace(/\/$/, "");
  if (existsSync(join(root, path))) return true;
  return globSync([path, `${path}*`], { cwd: root }).length > 0;
}

/** Paths of the clone in a piece of code: it is one, or they stand among other words of a block. */
function listPaths(code: string): string[] {
  const paths = code.matchAll(
    /(?:^|[\s"'(])((?:edge|origin|clients|infra|test|docs|\.ci)\/[\w.{},*/@-]*)(?=$|[\s"');:])/g,
  );
  return Array.from(paths, ([, path = ""]) => path);
}

test("every path of the clone that stands in code is there", () => {
  const named = [...texts].flatMap(([page, text]) =>
    readCode(text).flatMap((code) => listPaths(code).map((path) => ({ page, path }))),
  );
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter(({ path }) => !isPath(path))).toEqual([]);
});
