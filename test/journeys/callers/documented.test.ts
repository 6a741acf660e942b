import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { worldAt } from "#test/support/stack/world.ts";

const root = new URL("../../..", import.meta.url).pathname;
const world = worldAt(inject("place"));

/** The page's pieces of code by language, each under the heading that it stands below. */
function listSnippets(language: string): { title: string; code: string }[] {
  const page = readFileSync(join(root, "docs/api.md"), "utf8");
  return page.split(/^## /m).flatMap((section) => {
    const [title = ""] = section.split("\n");
    const blocks = section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
    return [...blocks].filter(([, name]) => name === language).map(([, , code = ""]) => ({ title, code }));
  });
}

/** In the clone, so that the snippets find the SDKs that it has. */
mkdirSync(join(root, ".penstock"), { recursive: true });
const folder = mkdtempSync(join(root, ".penstock/documented-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isThere = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;

/** Runs a program as a reader of the page would, with a key of an org of its own. */
async function runAsReader(command: string, args: string[], title = "") {
  const { id, key } = await world.newOrg();
  if (title === "Stored responses") await world.must("PUT", `/orgs/${id}/response-retention`, { hours: 1 });
  const env = { ...process.env, PENSTOCK_EDGE: world.place.edge, PENSTOCK_KEY: key };
  return spawnSync(command, args, { env, cwd: root, encoding: "utf8", timeout: 30_000 });
}

/** The first block of shell sets what the others use, and is the reader's to fill in. */
const shell = listSnippets("sh").slice(1);

describe.skipIf(!isThere("curl", "--version"))("every shell snippet of docs/api.md (needs curl)", () => {
  test.each(shell)("answers as pasted: $title", async ({ code }) => {
    const { status, stdout } = await runAsReader("bash", ["-c", code]);
    expect(status).toBe(0);
    expect(stdout.length).toBeGreaterThan(100);
    expect(stdout).not.toContain('"error":');
    expect(stdout).not.toMatch(/^HTTP\/1.1 [^2]/);
  });
});

describe("every TypeScript snippet of docs/api.md", () => {
  test.each(listSnippets("ts"))("runs as pasted: $title", async ({ title, code }) => {
    const file = join(folder, `${title.replace(/\W+/g, "-")}-${code.length}.ts`);
    writeFileSync(file, code);
    const { status, stdout, stderr } = await runAsReader(process.execPath, [file], title);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(/\S/);
  });
});

const hasSdk = isThere("python3", "-c", "import openai, ollama");

describe.skipIf(!hasSdk)("every Python snippet of docs/api.md (needs python3 with openai and ollama)", () => {
  test.each(listSnippets("python"))("runs as pasted: $title", async ({ title, code }) => {
    const { status, stdout, stderr } = await runAsReader("python3", ["-c", code], title);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(/\S/);
  });
});
