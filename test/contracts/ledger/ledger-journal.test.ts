import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { expect, test } from "vitest";
import { WaitingAsks } from "#edge/adapters/waiting-asks.ts";
import { settleBatches } from "#edge/adapters/durable-object/ledger/ledger-batch.ts";
import { LedgerCores } from "#edge/adapters/durable-object/ledger/ledger-cores.ts";
import { SqliteJournal, type JournalStorage } from "#edge/adapters/durable-object/ledger/journal/ledger-journal.ts";
import { createCounters } from "#edge/ledger/counters.ts";
import type { Ledger, PublishedRecord, UsageRow } from "#edge/ledger/port.ts";
import { findHome } from "#edge/ledger/publish.ts";
import { endedRetentionMs, keyRetentionMs } from "#edge/limits.ts";
import type { KeyRecord } from "#edge/agreements/records/key.ts";
import type { OrgId } from "#edge/agreements/tokens/ids.ts";
import { testClock } from "#test/support/fakes/clock.ts";
import { ledgerContract } from "./ledger-contract.ts";
import { rewriteInOldFormat } from "./ledger-old-format.ts";
import { makeRequest, freshHold, freshOrg, keyId, keyRecord, noon, orgRecord, makeRecord } from "./ledger-fixtures.ts";

/**
 * The journal of the Durable Object over Node's own SQLite, without the object around it. What it promises inside
 * workerd is tested there (`test/edge/adapters/durable-object`); here a restart costs nothing, so each history has
 * many, and each must give back the very same state of every org.
 */
function sqlStorage(): JournalStorage {
  const database = new DatabaseSync(":memory:");
  const exec = (query: string, ...bindings: unknown[]) => {
    // A schema is several statements: those have no rows, and only `exec` takes them.
    const isSchema = bindings.length === 0 && query.includes("CREATE TABLE");
    if (isSchema) database.exec(query);
    const rows = isSchema ? [] : database.prepare(query).all(...(bindings as SQLInputValue[]));
    return { toArray: () => rows, one: () => rows[0], [Symbol.iterator]: () => rows.values() };
  };
  const transactionSync = <T>(work: () => T): T => {
    database.exec("SAVEPOINT work");
    try {
      return work();
    } catch (cause) {
      database.exec("ROLLBACK TO work");
      throw cause;
    } finally {
      database.exec("RELEASE work");
    }
  };
  return { sql: { exec } as SqlStorage, transactionSync };
}

/** A journal and its orgs; what is asked without naming an org is asked of the first. */
function openJournal(first: OrgId) {
  const storage = sqlStorage();
  const { sql } = storage;
  const orgs = new Set([first]);
  const start = () => {
    const journal = new SqliteJournal(storage);
    return { journal, cores: new LedgerCores(journal, () => true, 3) };
  };
  let running = start();
  const core = (org = first) => (orgs.add(org), running.cores.find(org));
  const look = () => Array.from(orgs, (org) => ({ org, state: structuredClone(core(org).state) }));
  const compact = (now = core().state.atMs) => running.cores.compact(now);
  /** With snapshots or, as in a crash, without; by an upgrade from the format before or not. */
  const restart = (isKept: boolean, isUpgrade = false) => {
    if (isKept) compact();
    if (isUpgrade) rewriteInOldFormat(sql);
    const before = { orgs: look(), outboxRows: running.journal.countOutbox() };
    running = start();
    for (const { org, state } of before.orgs) {
      const after = core(org).state;
      // An old journal does not say when keys leave: the time is counted from the last booking.
      if (isUpgrade) expect(Object.keys(after.leaving)).toEqual(Object.keys(state.leaving));
      expect({ ...after, leaving: isUpgrade ? state.leaving : after.leaving }).toEqual(state);
    }
    expect(running.journal.countOutbox()).toBe(before.outboxRows);
  };
  const bill = new Map<string, UsageRow>();
  /** Takes one batch, as D1 would, and says how many rows it had. */
  const drain = () => {
    const batch = running.journal.readOutbox(0);
    for (const row of batch?.rows ?? []) bill.set(row.id, row);
    if (batch) running.journal.markDrained(batch);
    return batch?.rows.length ?? 0;
  };
  const count = (table: string) =>
    Number(sql.exec<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`).one().rows);
  const hasFormat = () => sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'format'").toArray().length > 0;
  /** No old journal has leases. */
  const isUnleased = () => count("leases") === 0 && Object.keys(core().state.leases).length === 0;
  const isAlone = () => sql.exec("SELECT DISTINCT org FROM records").toArray().length === 1;
  const publish = (record: PublishedRecord, now: number) => {
    const org = findHome(record);
    const published = core(org);
    published.publish(record, now);
    running.cores.keep(org, published);
  };
  const journal = () => running.journal;
  return { sql, bill, restart, drain, count, hasFormat, isAlone, isUnleased, journal, core, compact, publish, orgs };
}

type OpenedJournal = ReturnType<typeof openJournal>;

/** A ledger over journals; `journalOf` says which of them keeps an org. */
function makeLedger(journalOf: (org: OrgId) => OpenedJournal, now: () => number, wait: (ms: number) => void): Ledger {
  const core = (org: OrgId) => journalOf(org).core(org);
  const waiting = new WaitingAsks({ now, find: core });
  const settleAll: Ledger["settleAll"] = async (batches) =>
    batches.map(({ org, records }) => {
      const opened = journalOf(org);
      const [answer] = settleBatches([{ org, records }], { journal: opened.journal(), find: opened.core }, now());
      waiting.serve(org);
      if (answer?.kind === "settled") return { status: "fulfilled", value: answer.settlements };
      return { status: "rejected", reason: answer?.kind === "failed" ? new Error(answer.cause) : answer };
    });
  return {
    admit: async (ask) => waiting.admit(core(ask.org), ask),
    cancelWait: async (org, hold) => waiting.cancel(org, hold),
    introspect: async (credential) => core(credential.org).introspect(credential, now()),
    settle: async (org, records) => {
      const [answer] = await settleAll([{ org, records }]);
      if (answer?.status !== "fulfilled") throw answer?.reason;
      return answer.value;
    },
    settleAll,
    release: async (org, hold, mayRun = false, leased = undefined) => {
      const settlement = core(org).release(hold, { mayRun, leased: leased ?? null }, now());
      waiting.serve(org);
      return settlement;
    },
    lease: async (credential, request) => core(credential.org).lease(credential, request, now()),
    closeLease: async (org, closing) => {
      core(org).closeLease(closing, now());
      waiting.serve(org);
    },
    publish: async (record) => {
      const org = findHome(record);
      wait(core(org).leasedForMs(record, now()));
      journalOf(org).publish(record, now());
      waiting.serve(org);
    },
    inspect: async (org) => core(org).inspect(now(), journalOf(org).journal().countOutbox(org)),
  };
}

function openLedger(org: OrgId, own: OpenedJournal, journalOf: (org: OrgId) => OpenedJournal, startMs: number) {
  const clock = testClock(startMs);
  const { journal, drain, bill, hasFormat, isAlone, isUnleased } = own;
  let restarts = 0;
  const mayBeOld = () => hasFormat() && isAlone() && isUnleased();
  const restart = () => own.restart(restarts % 2 === 1, ++restarts % 3 !== 0 && mayBeOld());
  let waitedMs = 0;
  const wait = (ms: number) => void (waitedMs += ms);
  const usage = async () => {
    restart();
    while (journal().readOutbox(0)) drain();
    expect(journal().countOutbox()).toBe(0);
    return [...bill.values()].filter((row) => row.org === org);
  };
  const ledger = makeLedger(journalOf, clock.now, wait);
  return { ledger, clock, org, restart: async () => restart(), usage, waited: () => waitedMs };
}

ledgerContract(
  "journal",
  async (startMs) => {
    const org = freshOrg();
    const own = openJournal(org);
    const journals = new Map([[org, own]]);
    const journalOf = (any: OrgId) => {
      const opened = journals.get(any) ?? openJournal(any);
      journals.set(any, opened);
      return opened;
    };
    return openLedger(org, own, journalOf, startMs);
  },
  { numRuns: 150, maxCommands: 80 },
);

// Two that were here before, and whatever orgs a promise needs, in one journal: three of them fit in memory.
ledgerContract(
  "shared journal",
  async (startMs) => {
    const [org, other, third] = [freshOrg(), freshOrg(), freshOrg()];
    const shared = openJournal(org);
    for (const neighbour of [other, third]) {
      shared.publish(orgRecord(neighbour, { tokensPerDay: 100 }), startMs);
      shared.publish(keyRecord(neighbour, 1), startMs);
    }
    const core = shared.core(other);
    core.commit(core.evaluate(makeRequest(other), startMs));
    const ended = makeRequest(third, { idempotency: { key: "a".repeat(64), body: "b".repeat(64) } });
    shared.core(third).commit(shared.core(third).evaluate(ended, startMs));
    shared.core(third).settle(third, [makeRecord(third, ended.hold)], startMs);
    return openLedger(org, shared, () => shared, startMs);
  },
  { numRuns: 100, maxCommands: 80 },
);

/** Calls that are admitted, and settled in the same order. */
function settled(org: OrgId, calls: number) {
  const opened = openJournal(org);
  opened.publish(orgRecord(org, {}), noon);
  opened.publish(keyRecord(org, 1), noon);
  for (let i = 0; i < calls; i++) {
    const hold = freshHold();
    opened
      .core()
      .commit(
        opened
          .core()
          .evaluate(
            makeRequest(org, { hold, idempotency: { key: String(i).padStart(64, "a"), body: "b".repeat(64) } }),
            noon,
          ),
      );
    opened.core().settle(org, [makeRecord(org, hold)], noon);
  }
  return opened;
}

test("the bill leaves in batches of at most 500, oldest first; what was confirmed does not come again", () => {
  const org = freshOrg();
  const { journal, drain, restart, bill } = settled(org, 1_100);
  expect([drain(), journal().countOutbox(), drain(), journal().countOutbox()]).toEqual([500, 600, 500, 100]);
  const last = journal().readOutbox(0);
  journal().markDrained({ rows: [], seq: 1 });
  expect([last?.rows.length, journal().countOutbox()]).toEqual([100, 100]);
  restart(true);
  expect([drain(), drain(), journal().countOutbox()]).toEqual([100, 0, 0]);
  // What D1 has confirmed is known after a crash, too.
  restart(false);
  expect([journal().countOutbox(), drain()]).toEqual([0, 0]);
  const holds = [...bill.keys()];
  expect(holds).toEqual(holds.toSorted());
});

test("what ended a week ago and is in D1 is forgotten, a thousand at a time; what D1 does not have is kept", () => {
  const org = freshOrg();
  const { core, compact, drain, count } = settled(org, 1_600);
  for (let i = 0; i < 3; i++) drain();
  const later = (ms: number) => {
    const hold = freshHold();
    core().commit(core().evaluate(makeRequest(org, { hold }), ms));
    core().release(hold, { mayRun: false, leased: null }, ms);
    compact(ms);
    return count("holds");
  };
  expect(later(noon + endedRetentionMs - 1)).toBe(1_601);
  expect(later(noon + endedRetentionMs)).toBe(602);
  expect(later(noon + endedRetentionMs + 1)).toBe(103);
  expect(later(noon + endedRetentionMs + 2)).toBe(104);
  drain();
  expect(later(noon + endedRetentionMs + 3)).toBe(5);
});

test("what a crash left without a snapshot gets one; a journal that nobody wrote to keeps nothing", () => {
  const { compact, count, restart } = settled(freshOrg(), 1);
  restart(false);
  expect(count("snapshots")).toBe(0);
  compact();
  expect(count("snapshots")).toBe(1);
  const unborn = openJournal(freshOrg());
  unborn.compact();
  expect(unborn.count("sqlite_master")).toBe(0);
});

test("a snapshot is written in parts of a million characters, and a restart reads all of them", () => {
  const org = freshOrg();
  const { core, compact, count, restart, sql } = settled(org, 2);
  for (let i = 0; i < 9_000; i++) core().state.counters[`key_${i}`] = createCounters();
  compact();
  expect(count("snapshots")).toBeGreaterThan(2);
  expect(sql.exec<{ most: number }>("SELECT max(length(body)) AS most FROM snapshots").one().most).toBe(1_000_000);
  restart(false);
  sql.exec("DELETE FROM snapshots");
  compact();
  expect(count("snapshots")).toBe(0);
});

test("a key that has left leaves its version and nothing else; its lineage's counters go with the last key", () => {
  const org = freshOrg();
  const { core, count, restart, sql, publish } = openJournal(org);
  const limits = { requestsPerDay: 9 };
  const publishKey = (n: number, fields: Partial<KeyRecord>) => publish(keyRecord(org, n, fields), noon);
  const lineage = keyId(org, 1);
  const owners = () => Object.keys(core().state.counters).toSorted();
  publish(orgRecord(org, {}), noon);
  for (const n of [1, 2, 3]) publishKey(n, { limits, ...(n === 2 && { lineage }) });
  for (const n of [1, 2, 3]) {
    const hold = freshHold();
    core().commit(core().evaluate(makeRequest(org, { hold, key: keyId(org, n) }), noon));
    core().settle(org, [makeRecord(org, hold)], noon);
  }
  const late = freshHold();
  core().commit(core().evaluate(makeRequest(org, { hold: late, key: keyId(org, 3) }), noon));
  const ranges = Array.from({ length: 100 }, () => ({ from: "0".repeat(32), to: "f".repeat(32) }));
  publishKey(1, { limits, isRevoked: true, version: 2, ipRanges: ranges });
  publishKey(3, { limits, isRevoked: true, version: 7 });
  // What a revoked key might do nobody asks: a hundred ranges are gone at once.
  expect(JSON.stringify(core().state.keys[lineage]).length).toBeLessThan(500);
  const atMs = noon + keyRetentionMs;
  expect(
    core()
      .inspect(atMs, 0)
      ?.windows.filter(({ of }) => of !== "org"),
  ).toMatchObject([{ of: keyId(org, 2) }]);
  expect([count("records"), owners()]).toEqual([2, ["org", lineage].toSorted()]);
  // A late word on a call of the one that left is billed, and makes no counters anew.
  expect(core().settle(org, [makeRecord(org, late)], atMs)).toEqual([{ hold: late, result: "adjusted" }]);
  expect(owners()).toEqual(["org", lineage].toSorted());
  restart(false);
  restart(true);
  const left = sql.exec<{ id: string; version: number }>("SELECT id, version FROM left_keys ORDER BY id").toArray();
  expect(left.map((row: { id: string; version: number }) => [row.id, row.version])).toEqual([
    [keyId(org, 1), 2],
    [keyId(org, 3), 7],
  ]);
  publish(keyRecord(org, 2, { limits, lineage, isRevoked: true, version: 2 }), atMs);
  core().inspect(atMs + keyRetentionMs, 0);
  expect([count("records"), owners(), core().state.leaving]).toEqual([1, ["org"], {}]);
  restart(false);
  publish(keyRecord(org, 1, { version: 3 }), atMs + keyRetentionMs);
  expect(count("left_keys")).toBe(2);
});

test("what an old journal says of ended keys is planned once, from the last booking on", () => {
  const org = freshOrg();
  const { core, publish, restart, sql } = settled(org, 1);
  publish(keyRecord(org, 2, { isRevoked: true }), noon + 5_000);
  publish(keyRecord(org, 3, { expiresAtMs: noon + 9_000 }), noon + 5_000);
  restart(true, true);
  const planned = { [keyId(org, 2)]: noon + keyRetentionMs, [keyId(org, 3)]: noon + 9_000 + keyRetentionMs };
  expect(core().state.leaving).toEqual(planned);
  const hold = freshHold();
  core().commit(core().evaluate(makeRequest(org, { hold }), noon + 60_000));
  restart(false);
  expect(core().state.leaving).toEqual(planned);
  expect(sql.exec("SELECT version FROM format").toArray()).toEqual([{ version: 4 }]);
});
