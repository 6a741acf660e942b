import { expect, test } from "vitest";
import { guardFetch } from "#edge/adapters/oidc/guarded-fetch.ts";
import { BadTarget } from "#edge/agreements/webhooks/target.ts";
import { OutOfReach } from "#edge/errors.ts";
import { FakeWeb } from "#test/support/webhooks/fakes.ts";

const get = { method: "GET", headers: {} };

function open(answer: (url: string, options: RequestInit) => Promise<Response>) {
  const web = new FakeWeb(Date.now);
  web.addresses.set("inside.example.test", ["10.0.0.1"]);
  const asked: string[] = [];
  const send = (async (url: string, options: RequestInit) => {
    asked.push(url);
    return answer(url, options);
  }) as typeof fetch;
  const guard = { resolver: web, isLocal: false };
  return { ask: guardFetch({ fetch: send, guard }), free: guardFetch({ fetch: send, guard: null }), asked, web };
}

test("what is not public, by its name or by where that leads, is not asked", async () => {
  const { ask, asked, free } = open(async () => new Response("{}"));
  const forbidden = [
    "http://hooks.example.test/",
    "https://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "https://[::1]/",
    "https://localhost/",
    "https://id.internal/",
    "https://inside.example.test/",
    "https://nowhere.example.test/",
    "https://user@hooks.example.test/",
  ];
  for (const url of forbidden)
    await expect([url, await ask(url, get).catch((cause: unknown) => cause)]).toEqual([url, expect.any(BadTarget)]);
  expect(asked).toEqual([]);
  expect((await ask("https://hooks.example.test/", get)).status).toBe(200);
  // The operator's own issuers may be anywhere.
  expect((await free("http://127.0.0.1:8080/", get)).status).toBe(200);
});

test("redirects are not followed, and no more is read than may be", async () => {
  const { ask } = open(async (url, options) => {
    expect([options.redirect, options.signal?.aborted]).toEqual(["manual", false]);
    if (url.endsWith("/moved")) return new Response(null, { status: 302, headers: { location: "http://10.0.0.1/" } });
    return new Response("x".repeat(1_000_000));
  });
  expect((await ask("https://hooks.example.test/moved", get)).status).toBe(302);
  expect((await (await ask("https://hooks.example.test/", get)).text()).length).toBe(256 * 1024);
});

test("who does not answer is out of reach, and so is a name server", async () => {
  const { ask, web } = open(async () => {
    throw new TypeError("connection refused");
  });
  await expect(ask("https://hooks.example.test/", get)).rejects.toBeInstanceOf(OutOfReach);
  web.isNameless = true;
  await expect(ask("https://hooks.example.test/", get)).rejects.toThrow("the name server is out of reach");
});
