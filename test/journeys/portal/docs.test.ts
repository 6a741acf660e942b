import { readFileSync } from "node:fs";
import { describe, expect, inject, test } from "vitest";
import { readGuides } from "#infra/portal/docs/guides.ts";
import {
  expectNoSideScroll,
  findFaults,
  hasBrowser,
  narrow,
  visit,
  type Visitor,
} from "#test/support/portal/visitor.ts";
import { worldAt } from "#test/support/stack/world.ts";

const place = inject("place");
const guides = readGuides(new URL("../../..", import.meta.url).pathname);
const ask = async (address: string) => {
  const response = await fetch(place.edge + address);
  return { status: response.status, type: response.headers.get("content-type"), response, text: await response.text() };
};

test("every guide is a page and its own Markdown, and each link and picture leads to something here", async () => {
  const pages = new Map<string, string>();
  const links = new Map<string, string>();
  for (const { page, twin, markdown } of guides) {
    const [html, source] = await Promise.all([ask(page), ask(twin)]);
    expect([html.status, html.type], page).toEqual([200, "text/html; charset=utf-8"]);
    expect([source.status, source.type, source.text], twin).toEqual([200, "text/markdown; charset=utf-8", markdown]);
    pages.set(page, html.text);
    for (const [, link = ""] of html.text.matchAll(/(?:href|src)="([^"]+)"/g)) links.set(link, page);
  }
  const addresses = new Map(
    [...links].map(([link, from]) => [link.startsWith("#") ? from + link : link, from] as const),
  );
  const local = [...addresses.keys()].filter((link) => link.startsWith("/"));
  expect(local.length).toBeGreaterThan(150);
  const paths = new Map(
    await Promise.all(
      [...new Set(local.map((link) => link.split("#")[0] ?? ""))].map(async (path) => [path, await ask(path)] as const),
    ),
  );
  const isThere = (link: string) => {
    const [path = "", anchor] = link.split("#");
    return paths.get(path)?.status === 200 && (anchor === undefined || pages.get(path)?.includes(`id="${anchor}"`));
  };
  expect(local.filter((link) => !isThere(link)).map((link) => `${addresses.get(link)}: ${link}`)).toEqual([]);
});

test("llms.txt's links all lead to Markdown or the document, and the reference's list to its groups", async () => {
  const { type, text } = await ask("/llms.txt");
  expect(type).toBe("text/plain; charset=utf-8");
  const links = Array.from(text.matchAll(/\]\(([^)]+)\)/g), ([, link = ""]) => link);
  expect(links.length).toBeGreaterThan(guides.length);
  for (const link of links) {
    const { status, type } = await ask(link);
    expect([status, type?.split(";")[0]], link).toEqual([
      200,
      link.endsWith(".md") ? "text/markdown" : "application/json",
    ]);
  }
  const list = (await ask("/docs/reference.md")).text;
  const groups = Array.from(list.matchAll(/\]\((reference\/[^)]+)\)/g), ([, link]) => `/docs/${link}`);
  expect(groups.length).toBeGreaterThan(10);
  expect(groups.filter((link) => !links.includes(link))).toEqual([]);
  expect((await ask("/llms-full.txt")).text).toContain(guides[0]?.markdown.trim());
});

test("policies let in nothing of others, the library is kept for ever, what is no page is the API's 404", async () => {
  for (const path of ["/docs", "/docs/api", "/docs/guides"]) {
    const { response } = await ask(path);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'/);
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(response.headers.get("cache-control")).toBe("no-cache");
  }
  const library = /data-scalar="([^"]+)"/.exec((await ask("/docs")).text)?.[1] ?? "";
  const { response, text } = await ask(library);
  expect(response.headers.get("cache-control")).toContain("immutable");
  expect(text).toBe(readFileSync("node_modules/@scalar/api-reference/dist/browser/standalone.esm.js", "utf8"));
  for (const path of ["/docs/nothing", "/docs/nothing.md", "/v1/docs", "/llms"]) {
    const { status, text } = await ask(path);
    expect([status, JSON.parse(text).error.code], path).toEqual([404, "unknown_url"]);
  }
});

async function open(path: string, colorScheme: "light" | "dark" = "light"): Promise<Visitor> {
  const visitor = await visit(null);
  await visitor.page.emulateMedia({ colorScheme });
  await visitor.page.goto(place.edge + path);
  await visitor.page.getByRole("heading", { level: 1 }).first().waitFor();
  return visitor;
}

function expectAtHome({ complaints, requests }: Visitor): void {
  expect(complaints).toEqual([]);
  expect(requests.filter((url) => !url.startsWith(place.edge) && !/^(data|blob):/.test(url))).toEqual([]);
}

describe.runIf(hasBrowser())("in a browser", () => {
  test.each(["light", "dark"] as const)("%s: the guides are readable, wide and narrow", async (colorScheme) => {
    for (const path of ["/docs/guides", "/docs/people", "/docs/clients/openai"]) {
      const visitor = await open(path, colorScheme);
      expect(await findFaults(visitor.page), path).toEqual([]);
      await expectNoSideScroll(visitor.page);
      await visitor.page.setViewportSize(narrow);
      await expectNoSideScroll(visitor.page);
      expectAtHome(visitor);
      await visitor.context.close();
    }
  });

  test("a guide shows the reader's own gateway where its source has that of this machine", async () => {
    const visitor = await open("/docs/clients/openai");
    const text = await visitor.page.locator("main").innerText();
    expect(text).toContain(place.edge);
    expect(text).not.toContain("http://127.0.0.1:8787");
    await visitor.context.close();
  });

  test.each(["light", "dark"] as const)(
    "%s: the reference shows an operation, wide and narrow",
    async (colorScheme) => {
      const visitor = await open("/docs#tag/inference/POST/v1/chat/completions", colorScheme);
      const { page } = visitor;
      await page.getByRole("heading", { name: "Chat completion, streamed or whole" }).waitFor();
      await page.getByText("A model's id or an alias").first().waitFor();
      await page
        .getByRole("button", { name: /Test Request.*\/v1\/chat\/completions/ })
        .first()
        .waitFor();
      expect(await findFaults(page)).toEqual([]);
      await expectNoSideScroll(page);
      await page.setViewportSize(narrow);
      expect(await findFaults(page)).toEqual([]);
      await expectNoSideScroll(page);
      expectAtHome(visitor);
      await visitor.context.close();
    },
  );

  test("it finds an operation, and tries it against this gateway with the reader's key", async () => {
    const { key } = await worldAt(place).newOrg();
    const visitor = await open("/docs");
    const { page } = visitor;
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("rank documents");
    expect(await findFaults(page)).toEqual([]);
    await page
      .getByRole("option", { name: /Documents in the order/ })
      .first()
      .click();
    await page.getByPlaceholder("Token").first().fill(key);
    await page
      .getByRole("button", { name: /Test Request.*\/v1\/rerank/ })
      .first()
      .click();
    const answered = page.waitForResponse((response) => response.url() === `${place.edge}/v1/rerank`);
    await page.getByRole("button", { name: /^Send post request/ }).click();
    expect((await answered).status()).toBe(200);
    expectAtHome(visitor);
    await visitor.context.close();
  });
});
