import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { memoryLedger } from "#edge/adapters/memory/ledger.ts";
import { WaitingAsks } from "#edge/adapters/waiting-asks.ts";
import { LedgerCore, type Journal } from "#edge/ledger/core.ts";
import { createState } from "#edge/ledger/state.ts";
import {
  exceeded,
  fill,
  freshOrg,
  granted,
  keyRecord,
  makeRecord,
  makeRequest,
  noon,
  openWith,
  orgRecord,
} from "#test/contracts/ledger/ledger-fixtures.ts";

beforeEach(() => void vi.useFakeTimers({ now: noon }));
afterEach(() => void vi.useRealTimers());

/** A ledger in memory whose clock and timers are the test's. */
const openMemory = async () => {
  const ledger = memoryLedger({ now: () => Date.now() });
  const clock = { now: () => Date.now(), set: vi.setSystemTime, advance: vi.advanceTimersByTime };
  return { ledger, clock, org: freshOrg(), restart: async () => undefined, usage: async () => [] };
};

describe("timers of those who wait", () => {
  test("end a wait to the millisecond, with the denial of that moment, and none is left over", async () => {
    const opened = await openWith(openMemory, { concurrency: 1 });
    await fill(opened, 1);
    const answers: unknown[] = [];
    for (const waitMs of [250, 100])
      void opened.ledger.admit(makeRequest(opened.org, { waitMs })).then((answer) => answers.push(exceeded(answer)));
    await vi.advanceTimersByTimeAsync(99);
    expect(answers).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(answers).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(149);
    expect([answers.length, vi.getTimerCount()]).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(1);
    expect([answers.length, vi.getTimerCount()]).toEqual([2, 0]);
  });

  test("wake when a hold expires, though nobody calls", async () => {
    const opened = await openWith(openMemory, { concurrency: 1 });
    await fill(opened, 1, { ttlMs: 5_000 });
    const waiting = opened.ledger.admit(makeRequest(opened.org, { waitMs: 30_000, ttlMs: 60_000 }));
    await vi.advanceTimersByTimeAsync(5_000);
    // The hold ends when it would have without the wait.
    expect(granted(await waiting).expiresAtMs).toBe(noon + 60_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("end a wait also when the clock is set back meanwhile", async () => {
    const opened = await openWith(openMemory, { concurrency: 1 });
    await fill(opened, 1);
    const waiting = opened.ledger.admit(makeRequest(opened.org, { waitMs: 100 }));
    vi.setSystemTime(noon - 3_600_000);
    await vi.advanceTimersByTimeAsync(100);
    exceeded(await waiting);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("are none when everybody was served or has left", async () => {
    const opened = await openWith(openMemory, { concurrency: 1 });
    const { ledger, org } = opened;
    const [first = ""] = await fill(opened, 1);
    const [one, two] = [makeRequest(org, { waitMs: 900 }), makeRequest(org, { waitMs: 900 })];
    const answers = [ledger.admit(one), ledger.admit(two)];
    await ledger.cancelWait(org, one.hold);
    await ledger.settle(org, [makeRecord(org, first)]);
    expect((await Promise.all(answers)).map(({ kind }) => kind)).toEqual(["denial", "grant"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a ledger that fails while somebody waits", () => {
  const nothing: Journal = {
    write: () => undefined,
    writeAll: () => undefined,
    publish: () => undefined,
    leave: () => undefined,
    findLeft: () => null,
    findEnded: () => new Map(),
    findEarlier: () => null,
  };

  /** Two asks that wait in a core with one slot, which is taken. */
  async function openFull(journal: Partial<Journal> = {}) {
    const org = freshOrg();
    const core = new LedgerCore(createState(), { ...nothing, ...journal });
    core.publish(orgRecord(org, { concurrency: 1 }), noon);
    core.publish(keyRecord(org, 1), noon);
    const found = { fails: false };
    const served: LedgerCore[] = [];
    const waiting = new WaitingAsks({
      now: () => Date.now(),
      find: () => {
        if (found.fails) throw new Error("gone");
        return core;
      },
      onServed: (each) => served.push(each),
    });
    const first = granted(await waiting.admit(core, makeRequest(org)));
    const answers = [1, 2].map(async () => waiting.admit(core, makeRequest(org, { waitMs: 1_000 })));
    return { org, core, waiting, first, answers, found, served };
  }

  test("fails for the ask whose hold it cannot store, and lets in the next", async () => {
    let writes = 0;
    const write = () => {
      if (++writes === 2) throw new Error("disk full");
    };
    const { org, core, waiting, first, answers, served } = await openFull({ write });
    core.release(first.hold, { mayRun: false, leased: null }, noon);
    waiting.serve(org);
    const [one, two] = await Promise.allSettled(answers);
    expect(one).toMatchObject({ status: "rejected", reason: { message: "disk full" } });
    expect(two).toMatchObject({ status: "fulfilled", value: { kind: "grant" } });
    expect([waiting.count(org), served.at(-1), vi.getTimerCount()]).toEqual([0, core, 0]);
  });

  test("fails for all of them when it cannot be found, and not for whoever made room", async () => {
    const { org, waiting, answers, found } = await openFull();
    found.fails = true;
    waiting.serve(org);
    for (const answer of answers) await expect(answer).rejects.toThrow("gone");
    expect([waiting.count(org), vi.getTimerCount()]).toEqual([0, 0]);
  });

  test("an org that is served elsewhere from now on has nobody waiting here: they have their denials", async () => {
    const { org, waiting, answers } = await openFull();
    expect(waiting.count(org)).toBe(2);
    waiting.drop(org);
    waiting.drop(freshOrg());
    for (const answer of answers) exceeded(await answer);
    expect([waiting.count(org), vi.getTimerCount()]).toEqual([0, 0]);
  });

  test("all orgs are served together, too", async () => {
    const { core, waiting, first, answers } = await openFull();
    core.release(first.hold, { mayRun: false, leased: null }, noon);
    waiting.serveAll();
    expect(await answers[0]).toMatchObject({ kind: "grant" });
    waiting.drop(core.state.org?.id ?? "");
  });
});
