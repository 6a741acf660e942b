import { describe, expect, test } from "vitest";
import { groupTitles, readGuides, resolveLink } from "#infra/portal/docs/guides.ts";
import { writeLlms, writeLlmsFull } from "#infra/portal/docs/llms.ts";
import { renderGuide } from "#infra/portal/docs/render-guide.ts";

const root = new URL("../../../..", import.meta.url).pathname;
const guides = readGuides(root);

describe("the guides", () => {
  test("every page has a title, an address of its own and a group; each group begins with what it is about", () => {
    expect(guides.length).toBeGreaterThan(50);
    expect(new Set(guides.map(({ page }) => page)).size).toBe(guides.length);
    const first = groupTitles.map((title) => guides.find(({ group }) => group === title)?.page);
    expect(first).toEqual(["/docs/api", "/docs/portal", "/docs/architecture", "/docs/decisions"]);
    expect(guides.filter(({ title }) => /[[*`]/.test(title))).toEqual([]);
  });

  test("a summary is a sentence: no table, no code, not the date of a decision", () => {
    const without = guides.filter(({ summary }) => summary === "").map(({ name }) => name);
    expect(without).toEqual([]);
    expect(guides.filter(({ summary }) => /[|`*]|^\d{4}-|:$/.test(summary)).map(({ name }) => name)).toEqual([]);
  });
});

test.each([
  ["api", "errors.md", "/docs/errors"],
  ["api", "decisions/0017-leases.md#figures", "/docs/decisions/0017-leases#figures"],
  ["clients/openai", "../api.md", "/docs/api"],
  ["api", "clients/README.md", "/docs/clients"],
  ["portal", "portal/overview-wide-light.png", "/docs/portal/overview-wide-light.png"],
  ["people", "#orgs-and-roles", "#orgs-and-roles"],
  ["webhooks", "https://www.standardwebhooks.com", "https://www.standardwebhooks.com"],
  ["security", "../SECURITY.md", null],
])("in %s a link to %s leads to %s", (from, link, to) => {
  expect(resolveLink(from, link)).toBe(to);
});

describe("a guide as HTML", () => {
  const render = (markdown: string) => renderGuide({ name: "page", markdown });

  test("headings have the anchors of the sources, twice the same one a number, and sections are listed", () => {
    const { html, headings } = render("# Page\n\n## What `x-a` is, and why\n\n### In short\n\n## In short\n");
    expect(html).toContain(`<h2 id="what-x-a-is-and-why">`);
    expect(html).toContain(`<h3 id="in-short">`);
    expect(headings).toEqual([
      { id: "what-x-a-is-and-why", text: "What x-a is, and why" },
      { id: "in-short-1", text: "In short" },
    ]);
  });

  test("links lead to pages of the site; what leaves it is text", () => {
    const { html } = render("[errors](errors.md#codes), [the law](../test/house.test.ts), [`code`](api.md)");
    expect(html).toContain(`<a href="/docs/errors#codes">errors</a>`);
    expect(html).toContain("<span>the law</span>");
    expect(html).toContain(`<a href="/docs/api"><code>code</code></a>`);
  });

  test("tables and code scroll by themselves and are reached by keyboard; an empty head is none", () => {
    const { html } = render('| | b |\n|---|---|\n| 1 | 2 |\n\n```json\n{ "a": 1 }\n```\n\n```\n<b>\n```\n');
    expect(html).toContain(`<div class="scroll" tabindex="0"><table>`);
    expect(html).toMatch(/<td><\/td>\s*<th>b<\/th>/);
    expect(html).toContain(`<pre tabindex="0"><code class="language-json">`);
    expect(html).toContain(`<span class="hljs-number">1</span>`);
    expect(html).toContain("&lt;b&gt;");
  });
});

describe("llms.txt", () => {
  const page = { title: "Reference", twin: "/docs/reference.md", summary: "All of it.", markdown: "# Reference" };
  const text = writeLlms(guides, [page]);

  test("has llmstxt.org's form: a title, a summary, sections of links, the optional one last", () => {
    expect(text).toMatch(/^# Penstock\n\n> .+\n\n/);
    const sections = Array.from(text.matchAll(/^## (.+)$/gm), ([, name]) => name);
    expect(sections).toEqual(["For callers", "Reference", "For admins", "Optional"]);
    const lines = text
      .slice(text.indexOf("\n## "))
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("## "));
    expect(lines.filter((line) => !/^- \[[^\]]+\]\(\/[\w./-]+\)(: .+)?$/.test(line))).toEqual([]);
    expect(lines).toHaveLength(guides.length + 2);
    expect(text).toContain("- [Reference](/docs/reference.md): All of it.");
    expect(text).not.toMatch(/:\/\//);
  });

  test("the full one has every guide for callers and admins, word for word, and no other", () => {
    const full = writeLlmsFull(guides);
    const main = guides.filter(({ group }) => group === "For callers" || group === "For admins");
    expect(main.length).toBeGreaterThan(10);
    for (const { markdown } of main) expect(full).toContain(markdown.trim());
    expect(full).not.toContain("# Decisions\n");
  });
});
