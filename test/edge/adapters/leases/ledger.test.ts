import { expect, test } from "vitest";
import { onceHeld } from "#edge/admission/index.ts";
import { LeaseWorld, type TrueCall } from "./world.ts";
import { noon } from "#test/contracts/ledger/ledger-fixtures.ts";

const plenty = { requestsPerMinute: 100_000, tokensPerDay: 10_000_000, concurrency: 10_000 };

/** A key that makes a call every `everyMs`. */
async function callEvery(world: LeaseWorld, count: number, everyMs: number, isolate = 0): Promise<TrueCall[]> {
  const calls: TrueCall[] = [];
  for (let i = 0; i < count; i++) {
    void world.call(isolate).then((call) => call && calls.push(call));
    await world.time.advance(everyMs);
  }
  return calls;
}

test("a busy key is admitted by its isolate; a quiet one asks the ledger about each call", async () => {
  const busy = new LeaseWorld(noon);
  await busy.publish(plenty);
  const calls = await callEvery(busy, 200, 10);
  expect(calls).toHaveLength(200);
  expect(calls.filter(({ grant }) => grant.leased === undefined).length).toBeLessThan(20);
  const quiet = new LeaseWorld(noon);
  await quiet.publish(plenty);
  const few = await callEvery(quiet, 20, 500);
  expect(few.filter(({ grant }) => grant.leased)).toEqual([]);
});

test("a leased call takes no time, however far away the ledger is", async () => {
  const world = new LeaseWorld(noon);
  world.setWay(() => ({ outMs: 50, backMs: 50, lost: "no" }));
  await world.publish(plenty);
  await callEvery(world, 150, 10);
  const before = world.calls.length;
  void world.call(0);
  await world.time.advance(0);
  expect(world.calls.length).toBe(before + 1);
});

test("what was not spent goes back at the lease's end, and all the rest when its calls are settled", async () => {
  const world = new LeaseWorld(noon);
  await world.publish(plenty);
  const calls = await callEvery(world, 60, 10);
  await world.time.advance(3_000);
  expect(await world.read("tokensPerDay")).toEqual([10_000_000 - 60 * 30, 60 * 30, 0]);
  expect(await world.read("concurrency")).toEqual([10_000 - 60, 60, 0]);
  expect(await world.read("requestsPerMinute")).toEqual([100_000 - 60, 0, 60]);
  for (const call of calls) await world.settle(call, { times: 2 });
  expect(await world.read("tokensPerDay")).toEqual([10_000_000 - 60 * 30, 0, 60 * 30]);
  expect(await world.read("concurrency")).toEqual([10_000, 0, 0]);
  expect(world.bill).toHaveLength(60);
});

test("a call that no node ran goes back to its lease; one that may have run gets a near deadline", async () => {
  const world = new LeaseWorld(noon);
  await world.publish(plenty);
  const calls = (await callEvery(world, 40, 10)).filter(({ grant }) => grant.leased);
  const [back, given] = [calls.at(-1)!, calls.at(-2)!];
  await world.release(0, back);
  void world.release(0, given, true);
  await world.time.advance(3_000);
  const state = await world.ledger.inspect(world.org);
  expect(world.bill.map(({ hold, end, promptTokens }) => [hold, end, promptTokens])).toEqual([
    [given.grant.hold, "expired", 0],
  ]);
  expect(state?.windows.find(({ window }) => window === "concurrency")?.held).toBe(38);
  // The attempts stay counted.
  expect(await world.read("requestsPerMinute")).toEqual([100_000 - 40, 0, 40]);
});

test("an isolate that dies with a lease: what its calls made is billed, and the rest goes back", async () => {
  const world = new LeaseWorld(noon);
  await world.publish(plenty);
  const calls = await callEvery(world, 60, 10);
  world.kill(0);
  await world.time.advance(5_000);
  for (const call of calls) await world.settle(call);
  const [, held] = await world.read("tokensPerDay");
  expect(held).toBeGreaterThan(0);
  await world.time.advance(30 * 60_000);
  expect(await world.read("tokensPerDay")).toEqual([10_000_000 - 60 * 30, 0, 60 * 30]);
  expect(await world.read("concurrency")).toEqual([10_000, 0, 0]);
});

test("a last word after the lease was swept is billed once, as what comes late is", async () => {
  const world = new LeaseWorld(noon);
  await world.publish(plenty);
  const calls = (await callEvery(world, 30, 10)).filter(({ grant }) => grant.leased);
  const call = calls[0]!;
  await world.time.advance(40 * 60_000);
  await world.settle(call, { times: 3, completion: 7 });
  const mine = world.bill.filter(({ hold }) => hold === call.grant.hold);
  expect(mine.map(({ id, end, completionTokens }) => [id, end, completionTokens])).toEqual([
    [`${call.grant.hold}:late`, "adjusted", 7],
  ]);
  expect(await world.read("tokensPerDay")).toEqual([10_000_000 - 17, 0, 17]);
});

test("a call whose answer broke, and whose node says nothing more, is on the bill by its deadline", async () => {
  const world = new LeaseWorld(noon);
  await world.publish(plenty);
  const calls = (await callEvery(world, 40, 10)).filter(({ grant }) => grant.leased);
  const [broken, reported] = [calls.at(-1)!.grant, calls.at(-2)!];
  const noted: Promise<unknown>[] = [];
  const visit = { afterwards: (work: Promise<unknown>) => void noted.push(work) };
  const { org } = world;
  for (const { hold, leased } of [broken, reported.grant, { hold: calls[0]!.grant.hold, leased: undefined }])
    onceHeld.noteRunning(visit, world.ledger, { org, hold, leased });
  await Promise.all(noted);
  const open = (await world.ledger.inspect(world.org))?.openHolds.map(({ hold }) => hold) ?? [];
  expect(open).toEqual(expect.arrayContaining([broken.hold, reported.grant.hold]));
  expect(open).not.toContain(calls[0]!.grant.hold);
  await world.settle(reported);
  await world.time.advance(20 * 60_000);
  await world.ledger.inspect(world.org);
  const ends = world.bill.map(({ hold, end }) => [hold, end]);
  expect(ends).toContainEqual([broken.hold, "expired"]);
  expect(ends).toContainEqual([reported.grant.hold, "completed"]);
});

test("a change of the key or its org is in force when it has been answered, at the latest 1.1 s later", async () => {
  const world = new LeaseWorld(noon, { isolates: 2, offsets: [0, -7_000] });
  await world.publish(plenty);
  await Promise.all([callEvery(world, 40, 10, 0), callEvery(world, 40, 10, 1)]);
  const before = world.calls.length;
  let answeredAtMs: number | null = null;
  void world.publish(plenty, { isRevoked: true }, 2).then(() => (answeredAtMs = world.time.nowMs));
  const startedAtMs = world.time.nowMs;
  for (let i = 0; i < 400; i++) {
    void world.call(i % 2);
    await world.time.advance(10);
  }
  expect(answeredAtMs).not.toBeNull();
  expect(answeredAtMs! - startedAtMs).toBeLessThanOrEqual(1_100);
  expect(world.calls.length).toBeGreaterThan(before);
  expect(world.calls.filter(({ atMs }) => atMs > answeredAtMs!)).toEqual([]);
});

test("no lease near a limit: small plans, and whoever has little left, are admitted one by one", async () => {
  const world = new LeaseWorld(noon, { isolates: 2 });
  await world.publish({ requestsPerMinute: 60, concurrency: 100 });
  const [one, other] = await Promise.all([callEvery(world, 50, 5, 0), callEvery(world, 50, 5, 1)]);
  expect(one.length + other.length).toBe(60);
  expect([...one, ...other].filter(({ grant }) => grant.leased)).toEqual([]);
});

test("idempotent, clamped and token calls go to the ledger; what a key may not gets its refusal", async () => {
  const world = new LeaseWorld(noon);
  await world.publish(plenty, { endpoints: ["chat.completions"] });
  await callEvery(world, 40, 10);
  const idempotency = { key: "a".repeat(64), body: "b".repeat(64) };
  const token = { endpoints: null, models: null };
  for (const fields of [{ idempotency }, { mayClamp: true }, { token, digests: [] }]) {
    const call = world.call(0, fields);
    await world.time.advance(0);
    expect((await call)?.grant.leased).toBeUndefined();
    expect(await call).not.toBeNull();
  }
  const embed = world.call(0, { endpoint: "embeddings" });
  const forged = world.call(0, { digests: [{ kid: "p1", digest: "e".repeat(64) }] });
  await world.time.advance(0);
  expect([await embed, await forged]).toEqual([null, null]);
});

test("rate headers count down with what the isolate has spent", async () => {
  const world = new LeaseWorld(noon);
  await world.publish({ requestsPerMinute: 10_000, tokensPerDay: 1_000_000 });
  const calls = await callEvery(world, 60, 10);
  const left = calls.map(({ grant }) => grant.rates.requests?.remaining ?? 0);
  expect(left.every((remaining, index) => index === 0 || remaining < left[index - 1]!)).toBe(true);
});

test("a clock that steps back ends the lease", async () => {
  const world = new LeaseWorld(noon);
  await world.publish(plenty);
  await callEvery(world, 40, 10);
  expect(world.calls.at(-1)?.grant.leased).toBeDefined();
  world.stepBack(0, 500);
  const [first] = await callEvery(world, 1, 0);
  expect(first?.grant.leased).toBeUndefined();
});

test("with leases off it is the ledger itself", async () => {
  const world = new LeaseWorld(noon, { leaseMs: 0 });
  await world.publish(plenty);
  const calls = await callEvery(world, 60, 5);
  expect(calls.filter(({ grant }) => grant.leased)).toEqual([]);
});
