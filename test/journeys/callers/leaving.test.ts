import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import type { World } from "#test/support/stack/world.ts";

/**
 * Callers who leave before an answer has begun (F5, Q4, Q8); those who leave a stream in flow are in
 * broken-streams.test.ts.
 */
let own: OwnStack;
let world: World;

beforeAll(async () => {
  own = await openOwnStack({ simulatorArgs: ["--step-ms", "20"] });
  world = own.world;
});
afterEach(() => world.clearFaults());
afterAll(() => own.close());

/**
 * A second until the engine is let go, two in which what it made may still be told, and what a busy machine may add.
 */
const freeMsMax = 6_000;

/** The engine's word on the only call of an org, once it has ended. */
async function endedAt(hold: string, msMax: number) {
  for (const endMs = Date.now() + msMax; Date.now() < endMs; await sleep(20)) {
    const [made] = await world.made(hold);
    if (made && made.outcome !== "open") return made;
  }
  throw new Error(`the engine was still at work after ${msMax} ms`);
}

async function holdOf(org: string): Promise<string> {
  const { openHolds } = await world.ledger(org);
  expect(openHolds).toHaveLength(1);
  return openHolds[0].hold;
}

test("a whole answer: the engine stops within a second, what it made is billed, and the slot is free", async () => {
  const org = await world.newOrg({ concurrency: 1 });
  const leaving = new AbortController();
  const answer = world.chat(org.key, { max_tokens: 2_000, ignore_eos: true }, {}, leaving.signal);
  answer.catch(() => undefined);
  await sleep(600);
  const hold = await holdOf(org.id);
  expect((await world.chat(org.key, { max_tokens: 1 })).status).toBe(429);
  const leftAtMs = Date.now();
  leaving.abort();
  const made = await endedAt(hold, 5_000);
  expect(made.outcome).toBe("cancelled");
  expect(made.generatedTokens).toBeLessThan(2_000);
  expect(made.endedAtMs! - leftAtMs).toBeLessThan(1_000);
  const rows = await world.settled(org.id, freeMsMax);
  expect(made.emittedTokens).toBeGreaterThan(10);
  const completionTokens = made.emittedTokens;
  expect(rows).toMatchObject([{ hold, end: "expired", promptTokens: made.promptTokens, completionTokens }]);
  expect((await world.chat(org.key, { max_tokens: 1 })).status).toBe(200);
});

test("by the official SDK's own abort, too", async () => {
  const org = await world.newOrg({ concurrency: 1 });
  const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  const leaving = new AbortController();
  const vllmOnly = { ignore_eos: true };
  const answer = openai.chat.completions.create(
    { model: "chat", messages: [{ role: "user", content: "hi" }], max_tokens: 2_000, ...vllmOnly },
    { signal: leaving.signal },
  );
  setTimeout(() => leaving.abort(), 500);
  await expect(answer).rejects.toThrow(OpenAI.APIUserAbortError);
  const rows = await world.settled(org.id, freeMsMax);
  const [made] = await world.made(String(rows[0]?.hold));
  expect(made?.emittedTokens).toBeGreaterThan(5);
  expect(rows).toMatchObject([{ completionTokens: made?.emittedTokens }]);
});

test("a stream whose origin has not spoken yet: the same, and nobody waits for them", async () => {
  const org = await world.newOrg({ concurrency: 1 });
  await world.fault({ kind: "slow-headers", ms: 20_000, times: 1 }, 0);
  const leaving = new AbortController();
  const answer = world.chat(org.key, { stream: true, max_tokens: 50 }, {}, leaving.signal);
  answer.catch(() => undefined);
  await sleep(500);
  await holdOf(org.id);
  leaving.abort();
  const rows = await world.settled(org.id, freeMsMax);
  expect(rows).toMatchObject([{ end: "expired", completionTokens: 0 }]);
  expect((await world.chat(org.key, { max_tokens: 1 })).status).toBe(200);
});

test("at any moment, either kind of call: nothing stays held, nobody pays for more than was made", async () => {
  const org = await world.newOrg();
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const leaving = new AbortController();
      const answer = world
        .chat(org.key, { stream: index % 2 === 0, max_tokens: 40, ignore_eos: true }, {}, leaving.signal)
        .then((response) => response.text());
      answer.catch(() => undefined);
      await sleep(index * 12);
      leaving.abort();
      await answer.catch(() => undefined);
    }),
  );
  const rows = await world.settled(org.id, freeMsMax);
  for (const row of rows) {
    const [made] = await world.made(String(row.hold));
    expect(row.completionTokens, `${row.end}`).toBeLessThanOrEqual(made?.generatedTokens ?? 0);
  }
});

test("whoever gives the official SDK 1.9 s is answered after 1.4 s: it tells the edge whole seconds only", async () => {
  const org = await world.newOrg();
  const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  await world.fault({ kind: "slow-headers", ms: 1_400, times: 1 });
  const messages = [{ role: "user" as const, content: "hi" }];
  const answer = await openai.chat.completions.create({ model: "chat", messages, max_tokens: 1 }, { timeout: 1_900 });
  expect(answer.usage?.completion_tokens).toBe(1);
  expect(await world.settled(org.id)).toMatchObject([{ end: "completed" }]);
});

test("a call whose caller's own time is over ends then, frees its engine, and says whose time it was", async () => {
  const org = await world.newOrg({ concurrency: 1 });
  const table: [Record<string, string>, number, string][] = [
    [{ "x-penstock-timeout-ms": "700" }, 700, "700 ms, set by the caller's 'x-penstock-timeout-ms'"],
    [{ "x-stainless-read-timeout": "1" }, 2_000, "2000 ms, set by the caller's 'x-stainless-read-timeout'"],
    [{ "x-stainless-read-timeout": "0.5" }, 500, "500 ms, set by the caller's 'x-stainless-read-timeout'"],
  ];
  for (const [headers, ms, said] of table) {
    const startedAtMs = Date.now();
    const answer = await world.chat(org.key, { max_tokens: 2_000, ignore_eos: true }, headers);
    expect(answer.status).toBe(504);
    expect(await answer.json()).toMatchObject({
      error: { code: "gateway_timeout", message: expect.stringContaining(said) },
    });
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(ms - 5);
    expect(Date.now() - startedAtMs).toBeLessThan(ms + 2_000);
    await world.settled(org.id, freeMsMax);
  }
});
