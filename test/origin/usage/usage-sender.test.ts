import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { UsageBatch, UsageRecord } from "#edge/agreements/records/usage.ts";
import { openUsageLog, type UsageLog } from "#origin/usage/usage-log.ts";
import { openUsageSender } from "#origin/usage/usage-sender.ts";
import { buildRecord, newHold, until } from "#test/support/fakes/origin.ts";

const receipt = (batch: UsageBatch) => JSON.stringify({ settled: batch.records.length });

/** `answer` says the status, or whose records are not taken; `says` the body of a 200. */
function setUp(
  answer: (batch: UsageBatch) => number | { unacknowledged: string[] },
  usageLog?: UsageLog,
  {
    says = receipt,
    directory = join(mkdtempSync(join(tmpdir(), "sender-")), "usage"),
  }: { says?: (batch: UsageBatch) => string; directory?: string } = {},
) {
  const taken: UsageRecord[] = [];
  const sizes: number[] = [];
  const events: string[] = [];
  const log = usageLog ?? openUsageLog(directory, 1024 * 1024, () => {});
  const delayedLog = openUsageLog(`${directory}-delayed`, 1024 * 1024, () => {});
  const sender = openUsageSender(log, {
    delayedLog,
    node: "node_test",
    edgeUrl: "http://edge.test",
    sign: () => "token",
    log: (event) => void events.push(event),
    random: () => 0,
    fetch: async (_, init) => {
      const batch: UsageBatch = JSON.parse(String(init?.body));
      sizes.push(batch.records.length);
      const reply = answer(batch);
      if (reply === 0) throw new TypeError("fetch failed");
      if (typeof reply === "number") {
        if (reply === 200) taken.push(...batch.records);
        return new Response(reply === 200 ? says(batch) : null, { status: reply });
      }
      const unacknowledged = batch.records
        .filter(({ org }) => reply.unacknowledged.includes(org))
        .map(({ hold }) => hold);
      taken.push(...batch.records.filter(({ hold }) => !unacknowledged.includes(hold)));
      return unacknowledged.length > 0
        ? Response.json({ error: { code: "quota_unavailable", unacknowledged } }, { status: 503 })
        : new Response(says(batch), { status: 200 });
    },
  });
  return { sender, log, delayedLog, taken, sizes, events, directory };
}

describe("the usage sender", () => {
  test("sends what somebody may wait for at once, with all that it has gathered, and gathers again after", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const { sender, sizes } = setUp(() => 200);
      sender.keep(buildRecord());
      await vi.advanceTimersByTimeAsync(99);
      expect(sizes).toEqual([]);
      sender.keep(buildRecord(), true);
      await vi.advanceTimersByTimeAsync(1);
      expect(sizes).toEqual([2]);
      sender.keep(buildRecord());
      await vi.advanceTimersByTimeAsync(99);
      expect(sizes).toEqual([2]);
      await vi.advanceTimersByTimeAsync(1);
      expect(sizes).toEqual([2, 1]);
      sender.close();
    } finally {
      vi.useRealTimers();
    }
  });

  test("sends what the edge refused for good once, and says so", async () => {
    const says = (batch: UsageBatch) => JSON.stringify({ settled: batch.records.length - 1, refused: 1 });
    const { sender, taken, events, directory } = setUp(() => 200, undefined, { says });
    for (let count = 0; count < 3; count++) sender.keep(buildRecord());
    await until(() => sender.backlogBytes === 0);
    await sender.flush(200);
    expect([taken.length, events]).toEqual([3, ["usage_refused"]]);
    sender.close();
    expect(openUsageLog(directory, 1024 * 1024, () => {}).backlogBytes).toBe(0);
  });

  test("sends what comes within 100 ms as one batch, and at most 64 at once", async () => {
    const { sender, taken, sizes } = setUp(() => 200);
    const records = Array.from({ length: 150 }, () => buildRecord());
    for (const one of records) sender.keep(one);
    await until(() => taken.length === 150);
    expect(sizes).toEqual([64, 64, 22]);
    expect(taken).toEqual(records);
    expect(sender.backlogBytes).toBe(0);
    sender.close();
  });

  test.each([
    "",
    "<html>Sign in</html>",
    "{}",
    "[]",
    "null",
    "3",
    '{"settled":1}',
    '{"settled":"2"}',
    '{"settled":3}',
    '{"settled":2,"ok":true}',
  ])("takes %j with status 200 for no receipt, and sends again", async (text) => {
    let isTheEdge = false;
    const seen: string[] = [];
    const says = (batch: UsageBatch) => {
      seen.push(...batch.records.map(({ hold }) => hold));
      return isTheEdge ? '{"settled":1,"repeated":1}' : text;
    };
    const { sender, log } = setUp(() => 200, undefined, { says });
    const records = [buildRecord(), buildRecord()];
    for (const one of records) sender.keep(one);
    await until(() => seen.length >= 4);
    expect(log.backlogBytes).toBeGreaterThan(0);
    isTheEdge = true;
    await until(() => log.backlogBytes === 0);
    expect(new Set(seen)).toEqual(new Set(records.map(({ hold }) => hold)));
    sender.close();
  });

  test.each([0, 401, 403, 404, 429, 500, 503])(
    "keeps trying when the edge says %i, and loses nothing",
    async (status) => {
      let isUp = false;
      const { sender, taken, sizes } = setUp(() => (isUp ? 200 : status));
      const records = [buildRecord(), buildRecord()];
      for (const one of records) sender.keep(one);
      await until(() => sizes.length >= 2);
      expect(taken).toEqual([]);
      isUp = true;
      await until(() => taken.length === 2);
      expect(taken).toEqual(records);
      sender.close();
    },
  );

  test("finds the one record that the edge will never take, sets it aside, and delivers the others", async () => {
    const bad = buildRecord({ model: "bad" });
    const { sender, taken, events, directory } = setUp((batch) =>
      batch.records.some(({ model }) => model === "bad") ? 400 : 200,
    );
    const records = [
      ...Array.from({ length: 20 }, () => buildRecord()),
      bad,
      ...Array.from({ length: 9 }, () => buildRecord()),
    ];
    for (const one of records) sender.keep(one);
    await until(() => sender.backlogBytes === 0);
    expect(taken).toEqual(records.filter((kept) => kept !== bad));
    expect(readFileSync(join(directory, "refused.jsonl"), "utf8")).toContain(bad.hold);
    expect(events).toContain("usage_record_refused");
    sender.close();
  });

  test("what the last run did not deliver goes out at the start", async () => {
    const first = setUp(() => 503);
    first.sender.keep(buildRecord());
    await until(() => first.sizes.length > 0);
    first.sender.close();
    const second = setUp(
      () => 200,
      openUsageLog(first.directory, 1024 * 1024, () => {}),
    );
    await until(() => second.taken.length === 1);
    expect(second.sender.backlogBytes).toBe(0);
    second.sender.close();
  });

  test("of a call's checkpoints only the newest is sent, and none once it is settled", async () => {
    const { sender, taken } = setUp(() => 200);
    const hold = newHold();
    for (let tokens = 1; tokens <= 5; tokens++)
      sender.checkpoint(buildRecord({ hold, isFinal: false, completionTokens: tokens }));
    await until(() => taken.length === 1);
    expect(taken[0]).toMatchObject({ isFinal: false, completionTokens: 5 });
    sender.checkpoint(buildRecord({ hold, isFinal: false, completionTokens: 6 }));
    sender.keep(buildRecord({ hold, completionTokens: 7 }));
    await until(() => taken.length === 2);
    expect(taken[1]).toMatchObject({ isFinal: true, completionTokens: 7 });
    sender.close();
  });

  test("a record that the disk refuses is sent from memory, and no new call may begin until then", async () => {
    let status = 503;
    const real = openUsageLog(join(mkdtempSync(join(tmpdir(), "sender-")), "usage"), 1024 * 1024, () => {});
    const broken: UsageLog = {
      peek: (count) => real.peek(count),
      acknowledge: (mark) => real.acknowledge(mark),
      setAside: (records) => real.setAside(records),
      close: () => real.close(),
      backlogBytes: 0,
      append: () => {
        throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      },
    };
    const { sender, taken, events } = setUp(() => status, broken);
    sender.keep(buildRecord());
    expect(sender.isDurable).toBe(false);
    expect(events).toContain("usage_log_failed");
    status = 200;
    await until(() => taken.length === 1);
    expect(sender.isDurable).toBe(true);
    sender.close();
  });

  test("flush delivers at once, and gives up in time when the edge is gone", async () => {
    const up = setUp(() => 200);
    up.sender.keep(buildRecord());
    await up.sender.flush(1_000);
    expect(up.taken).toHaveLength(1);
    up.sender.close();
    const down = setUp(() => 0);
    down.sender.keep(buildRecord());
    const startedAtMs = performance.now();
    await down.sender.flush(300);
    expect(performance.now() - startedAtMs).toBeLessThan(800);
    expect(down.sender.backlogBytes).toBeGreaterThan(0);
    down.sender.close();
  });

  const [good, bad, worse] = ["org_good000000", "org_bad0000000", "org_worse00000"] as const;

  test("an org whose ledger is out of reach holds up no other, and its records arrive when it is back", async () => {
    let unacknowledged: string[] = [bad];
    const { sender, taken, delayedLog } = setUp(() => ({ unacknowledged }));
    const stuck = Array.from({ length: 100 }, () => buildRecord({ org: bad }));
    const others = Array.from({ length: 100 }, () => buildRecord({ org: good }));
    for (let at = 0; at < 100; at++) for (const one of [stuck[at], others[at]]) if (one) sender.keep(one);
    await until(() => taken.length === 100);
    expect(taken).toEqual(others);
    await until(() => delayedLog.backlogBytes > 0 && sender.backlogBytes === delayedLog.backlogBytes);
    const late = buildRecord({ org: good });
    sender.keep(late);
    await until(() => taken.length === 101);
    expect(taken.at(-1)).toEqual(late);
    unacknowledged = [];
    await until(() => sender.backlogBytes === 0);
    expect(new Set(taken.slice(101).map(({ hold }) => hold))).toEqual(new Set(stuck.map(({ hold }) => hold)));
    sender.close();
  });

  test("of two orgs out of reach, the one that is back is settled, whichever is first in the queue", async () => {
    let unacknowledged: string[] = [bad, worse];
    const { sender, taken } = setUp(() => ({ unacknowledged }));
    for (let at = 0; at < 70; at++) sender.keep(buildRecord({ org: worse }));
    for (let at = 0; at < 3; at++) sender.keep(buildRecord({ org: bad }));
    sender.keep(buildRecord({ org: good }));
    await until(() => taken.length === 1);
    unacknowledged = [worse];
    await until(() => taken.length === 4);
    expect(taken.slice(1).map(({ org }) => org)).toEqual([bad, bad, bad]);
    expect(sender.backlogBytes).toBeGreaterThan(0);
    sender.close();
  });

  test("what waits for its ledger outlives the agent", async () => {
    const first = setUp(() => ({ unacknowledged: [bad] }));
    const stuck = buildRecord({ org: bad });
    first.sender.keep(stuck);
    first.sender.keep(buildRecord({ org: good }));
    await until(() => first.delayedLog.backlogBytes > 0 && first.taken.length === 1);
    first.sender.close();
    const second = setUp(() => 200, undefined, { directory: first.directory });
    await until(() => second.taken.length === 1);
    expect(second.taken).toEqual([stuck]);
    expect(second.sender.backlogBytes).toBe(0);
    second.sender.close();
  });

  test("when no org's ledger is in reach nothing is moved, and the sender waits longer each time", async () => {
    const { sender, delayedLog, sizes } = setUp(() => ({ unacknowledged: [good, bad] }));
    for (const org of [good, bad]) sender.keep(buildRecord({ org }));
    await until(() => sizes.length >= 3);
    expect(delayedLog.backlogBytes).toBe(0);
    expect(sizes).toEqual(Array.from(sizes, () => 2));
    sender.close();
  });

  test("a checkpoint that was not taken is sent again, unless a newer one or the end is there", async () => {
    let unacknowledged: string[] = [bad];
    const { sender, taken } = setUp(() => ({ unacknowledged }));
    const hold = newHold();
    sender.checkpoint(buildRecord({ org: bad, hold, isFinal: false, completionTokens: 1 }));
    sender.keep(buildRecord({ org: good }));
    await until(() => taken.length === 1);
    unacknowledged = [];
    await until(() => taken.length === 2);
    expect(taken[1]).toMatchObject({ hold, isFinal: false, completionTokens: 1 });
    sender.close();
  });

  test("a record that was on disk stays on disk while it waits for its ledger, final or not", async () => {
    const first = setUp(() => ({ unacknowledged: [bad] }));
    const stuck = buildRecord({ org: bad, isFinal: false, outcome: "cancelled" });
    first.sender.keep(stuck);
    first.sender.keep(buildRecord({ org: good }));
    await until(() => first.taken.length === 1 && first.log.backlogBytes === 0);
    expect(first.delayedLog.peek(64).records).toEqual([stuck]);
    first.sender.close();
  });

  test("what the disk will not move to the other log stays in its own, and arrives all the same", async () => {
    let unacknowledged: string[] = [bad];
    const { sender, log, delayedLog, taken, events } = setUp(() => ({ unacknowledged }));
    delayedLog.append = () => {
      throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    };
    const stuck = buildRecord({ org: bad });
    sender.keep(stuck);
    sender.keep(buildRecord({ org: good }));
    await until(() => events.includes("usage_log_failed") && taken.length >= 2);
    expect(log.peek(64).records[0]).toEqual(stuck);
    unacknowledged = [];
    await until(() => log.backlogBytes === 0);
    expect(taken).toContainEqual(stuck);
    sender.close();
  });
});
