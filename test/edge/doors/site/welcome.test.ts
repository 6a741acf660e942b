import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { answerWelcome } from "#edge/doors/site/welcome.ts";

const ask = (accept: string | null, url = "https://api.example/") =>
  answerWelcome(new Request(url, { headers: accept === null ? {} : { accept } }));
const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

test("a browser gets a page that says what this is, where it is and how to call it", async () => {
  const answer = ask(browser);
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const page = await answer.text();
  for (const part of [
    "https://api.example/v1",
    "sk-pen-YOUR-KEY-HERE",
    'href="/openapi.json"',
    'href="/health"',
    'lang="en"',
  ])
    expect(page).toContain(part);
});

test("the page needs nothing from elsewhere, and its style is allowed by its hash alone", async () => {
  const answer = ask(browser);
  const page = await answer.text();
  const style = /<style>([^]*)<\/style>/.exec(page)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toContain(`style-src 'sha256-${hash}'`);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe");
  expect(page).not.toMatch(/<script|style=|<link|<img|\son\w+=|url\(/i);
});

test("anybody else gets JSON with the same addresses", async () => {
  for (const accept of [null, "*/*", "application/json", "text/htmlx"]) {
    const answer = ask(accept);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(await answer.json()).toEqual({
      name: "Penstock",
      baseUrl: "https://api.example/v1",
      openapi: "https://api.example/openapi.json",
      health: "https://api.example/health",
    });
  }
});

test("caches keep the two apart", () => {
  expect(ask(null).headers.get("vary")).toBe("accept");
});
