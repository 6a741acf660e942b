import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { World } from "#test/support/stack/world.ts";

let own: OwnStack;
let world: World;
beforeAll(async () => {
  own = await openOwnStack();
  world = own.world;
});
afterEach(() => world.clearFaults());
afterAll(() => own.close());

const question = { model: "chat", prompt: "How long is this?" };
const ask = (key: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  world.post("/v1/tokenize", key, question, headers, signal);

test("a tokenizer that fails on one node is asked on the next, and nothing is on the bill", async () => {
  const org = await world.newOrg();
  for (const fault of [{ kind: "status", status: 500 }, { kind: "garbage" }, { kind: "status", status: 404 }]) {
    await world.fault({ ...fault, path: "/tokenize", times: 1 }, 0);
    const response = await ask(org.key);
    expect([fault.kind, response.status, await response.json()]).toMatchObject([fault.kind, 200, { count: 5 }]);
    await world.clearFaults();
  }
  expect(await world.settled(org.id)).toEqual([]);
});

test("one that fails on every node is a bad gateway, and one that none has is refused by name", async () => {
  const org = await world.newOrg();
  await world.fault({ kind: "status", status: 500, path: "/tokenize", times: 9 });
  expect((await ask(org.key)).status).toBe(502);
  await world.clearFaults();
  await world.fault({ kind: "status", status: 404, path: "/tokenize", times: 9 });
  const response = await ask(org.key);
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { error: { code: "unsupported_parameter", param: "model" } },
  ]);
  expect((await world.settled(org.id)).length).toBe(0);
});

test("a caller's own deadline ends it, and says so", async () => {
  const org = await world.newOrg();
  await world.fault({ kind: "slow-headers", ms: 3_000, path: "/tokenize", times: 9 });
  const response = await ask(org.key, { "x-penstock-timeout-ms": "300" });
  expect(response.status).toBe(504);
  expect(await response.text()).toContain("300 ms, set by the caller");
});

test("the slot of a caller who leaves is free again at once", async () => {
  const org = await world.newOrg({ concurrency: 1 });
  await world.fault({ kind: "slow-headers", ms: 3_000, path: "/tokenize", times: 9 });
  const leaving = new AbortController();
  const left = ask(org.key, {}, leaving.signal).catch((cause: unknown) => cause);
  await expect.poll(async () => (await world.ledger(org.id)).openHolds.length).toBe(1);
  leaving.abort();
  expect(await left).toBeInstanceOf(DOMException);
  await world.clearFaults();
  for (let tries = 0; tries < 40 && (await world.ledger(org.id)).openHolds.length > 0; tries++) await sleep(100);
  expect((await world.ledger(org.id)).openHolds).toEqual([]);
  expect((await ask(org.key)).status).toBe(200);
});
