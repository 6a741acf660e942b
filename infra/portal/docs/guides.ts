import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** A page of docs/, served below /docs/. */
export interface Guide {
  /** Its path below docs/, without the ending: `api`, `clients/README`. */
  name: string;
  /** Where its page is read, and its Markdown. */
  page: string;
  twin: string;
  title: string;
  /** The first sentence of it that is prose. */
  summary: string;
  group: string;
  markdown: string;
}

/** Whom a page is for, by its name; the first that fits. What is for neither callers nor admins is for operators. */
const groups = [
  {
    title: "For callers",
    names: /^(api|errors|compatibility|members|protocol-differences|promises)$|^clients\//,
    order: ["api", "errors", "compatibility", "members", "promises", "protocol-differences", "clients/README"],
  },
  {
    title: "For admins",
    names: /^(portal|people|webhooks|metering|openai-admin|storage|security)$/,
    order: ["portal", "people", "metering", "webhooks", "openai-admin", "storage", "security"],
  },
  { title: "For operators", names: /^[^/]+$/, order: ["architecture", "configuration", "node", "engines"] },
  { title: "Decisions", names: /^decisions\//, order: ["decisions/README"] },
] as const;

/** The titles of the groups, in the order of the menu. */
export const groupTitles: readonly string[] = groups.map(({ title }) => title);
/** Whose pages a reader without much time needs. */
export const mainGroups: readonly string[] = groupTitles.slice(0, 2);

/** Every page of docs/, by groups. Throws where a page has no title or belongs to no group. */
export function readGuides(root: string): Guide[] {
  const names = globSync("**/*.md", { cwd: join(root, "docs") }).map((path) => path.replace(/\.md$/, ""));
  return groups.flatMap(({ title, order }) =>
    names
      .filter((name) => chooseGroup(name) === title)
      .sort((one, other) => rank(one, order) - rank(other, order) || one.localeCompare(other))
      .map((name) => readGuide(name, title, readFileSync(join(root, "docs", `${name}.md`), "utf8"))),
  );
}

function chooseGroup(name: string): string {
  const found = groups.find(({ names }) => names.test(name));
  if (!found) throw new Error(`docs/${name}.md is in no group of the guides; see infra/portal/docs/guides.ts`);
  return found.title;
}

function rank(name: string, order: readonly string[]): number {
  const at = order.indexOf(name);
  return at === -1 ? order.length : at;
}

function readGuide(name: string, group: string, markdown: string): Guide {
  const title = /^# (.+)$/m.exec(markdown)?.[1];
  if (title === undefined) throw new Error(`docs/${name}.md has no title`);
  return {
    name,
    page: addressPage(name),
    twin: `/docs/${name}.md`,
    title: strip(title),
    summary: summarize(markdown),
    group,
    markdown,
  };
}

/** The address of a page; that of a folder's README is the folder's. */
function addressPage(name: string): string {
  return `/docs/${name.replace(/\/README$/, "")}`;
}

/** The first sentence of a page's prose; the date that a decision begins with is none. */
function summarize(markdown: string): string {
  const paragraphs = markdown.replace(/^```[^]*?^```$/gm, "").split(/\n{2,}/);
  const texts = paragraphs.map((text) => strip(text.trim().replaceAll("\n", " ")).replace(/^\d{4}-\d\d-\d\d\S* /, ""));
  const sentences = texts.map((text) => (/^["\w]/.test(text) ? /^.*?\.(?= [A-Z"]|$)|^.{40,}:$/.exec(text)?.[0] : null));
  return (sentences.find((sentence) => sentence && !sentence.includes("://")) ?? "").replace(/:$/, ".");
}

function strip(text: string): string {
  return text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\*\*|`/g, "");
}

/** Where a link of a page leads here: a page, a picture or an anchor; null where it leaves docs/. */
export function resolveLink(from: string, link: string): string | null {
  if (/^[a-z]+:/i.test(link)) return link;
  const [path = "", anchor] = link.split("#");
  const hash = anchor === undefined ? "" : `#${anchor}`;
  if (path === "") return hash;
  const target = posix.normalize(posix.join(posix.dirname(from), path));
  if (target.startsWith("..")) return null;
  return target.endsWith(".md") ? `${addressPage(target.slice(0, -3))}${hash}` : `/docs/${target}`;
}
