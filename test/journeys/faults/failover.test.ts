import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openFaultProxy, type FaultProxy } from "#infra/local/fault-proxy.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { eventsOf, type World } from "#test/support/stack/world.ts";

let own: OwnStack;
let world: World;
const proxies: FaultProxy[] = [];

beforeAll(async () => {
  own = await openOwnStack({
    via: async (url) => {
      const proxy = await openFaultProxy(url);
      proxies.push(proxy);
      return proxy.url;
    },
  });
  world = own.world;
});
afterEach(async () => {
  await world.clearFaults();
  proxies.forEach((proxy) => proxy.refuse(false));
});
afterAll(async () => {
  await own.close();
  await Promise.all(proxies.map((proxy) => proxy.close()));
});

const calls = async (key: string, count: number) =>
  Promise.all(Array.from({ length: count }, () => world.chat(key, { max_tokens: 2 })));

test("a dead node leaves rotation after three failures and returns when it is back", async () => {
  const org = await world.newOrg();
  // Retries are a fifth of calls: a few that go well earn what this test spends.
  expect((await calls(org.key, 30)).map(({ status }) => status)).toEqual(Array(30).fill(200));
  proxies[0]!.refuse(true);
  for (let call = 0; call < 4; call++) expect((await world.chat(org.key, { max_tokens: 2 })).status).toBe(200);
  const health = (await (await fetch(`${world.place.edge}/health`)).json()) as { backends: Record<string, number> };
  expect(health.backends["chat"]).toBe(1);
  proxies[0]!.refuse(false);
  // The next heartbeat (5 s) lets one call probe it.
  await expect
    .poll(async () => (await world.chat(org.key, { max_tokens: 1 })).headers.get("x-penstock-tier"), {
      timeout: 12_000,
      interval: 500,
    })
    .not.toContain("spill");
});

test("before the first byte a call moves to another node, says so in its header, and is billed once", async () => {
  const org = await world.newOrg();
  await world.fault({ kind: "status", status: 500, times: 1 }, 0);
  const response = await world.chat(org.key, { stream: true, max_tokens: 4 });
  expect(response.status).toBe(200);
  expect(response.headers.get("x-penstock-tier")).toMatch(/^shared; .* spill=complex$/);
  expect((await eventsOf(response)).at(-1)).toBe("[DONE]");
  expect(await world.settled(org.id)).toHaveLength(1);
});

test("what the call itself is to blame for is never tried twice", async () => {
  const org = await world.newOrg();
  for (const status of [400, 422]) {
    await world.fault({ kind: "status", status, times: 1 }, 0);
    expect((await world.chat(org.key, { max_tokens: 2 })).status).toBe(400);
  }
  expect(await world.settled(org.id)).toEqual([]);
});

test("an engine that rejects our key, or speaks nonsense, is a 502 in our words", async () => {
  const org = await world.newOrg();
  await world.fault({ kind: "status", status: 401, times: 4 });
  const rejected = await world.chat(org.key, { max_tokens: 2 });
  expect(rejected.status).toBe(502);
  expect(await rejected.json()).toEqual({
    error: {
      message: expect.not.stringContaining("Unauthorized"),
      type: "server_error",
      param: null,
      code: "bad_gateway",
    },
  });
  await world.clearFaults();
  await world.fault({ kind: "garbage", times: 4 });
  expect((await world.chat(org.key, { max_tokens: 2 })).status).toBe(502);
  expect(await world.settled(org.id)).toEqual([]);
});

test("with all nodes out the refusal comes in under a second, and nothing is held or charged", async () => {
  const org = await world.newOrg();
  proxies.forEach((proxy) => proxy.refuse(true));
  const startedAtMs = Date.now();
  const answers = await calls(org.key, 10);
  expect(Date.now() - startedAtMs).toBeLessThan(2_000);
  for (const answer of answers) {
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await answer.json()).toMatchObject({ error: { type: "server_error", code: "no_healthy_backends" } });
  }
  expect(await world.settled(org.id)).toEqual([]);
});

test("a caller's deadline reaches the engine: it stops within a second of it", async () => {
  await expect.poll(async () => (await fetch(`${world.place.edge}/health`)).status, { timeout: 15_000 }).toBe(200);
  const org = await world.newOrg();
  const startedAtMs = Date.now();
  const response = await world.chat(
    org.key,
    { stream: true, max_tokens: 4_000, ignore_eos: true },
    { "x-penstock-timeout-ms": "700" },
  );
  const events = await eventsOf(response);
  expect(Date.now() - startedAtMs).toBeLessThan(2_500);
  expect(events).not.toContain("[DONE]");
  const [row] = await world.settled(org.id);
  const [made] = await world.made(String(row?.hold));
  expect(made!.endedAtMs! - startedAtMs).toBeLessThan(1_800);
  expect(row!.completionTokens).toBeGreaterThan(0);
});
