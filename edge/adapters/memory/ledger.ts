import { LedgerCore, type Journal } from "../../ledger/core.ts";
import type { Ledger, UsageRow } from "../../ledger/port.ts";
import { findHome } from "../../ledger/publish.ts";
import {
  createState,
  makeFirstCall,
  makeUsageRow,
  type Change,
  type Closing,
  type Ended,
  type Hold,
} from "../../ledger/state.ts";
import type { KeyId, OrgId } from "../../agreements/tokens/ids.ts";
import { endedRetentionMs } from "../../limits.ts";
import { WaitingAsks } from "../waiting-asks.ts";

/** Its clock (Unix ms), how it waits for leases to end (by default in real time), and what takes the bill. */
export interface MemoryLedgerOptions {
  now: () => number;
  wait?: (ms: number) => Promise<void>;
  onUsage?: (row: UsageRow) => void;
}

const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/**
 * Keeps the promises of `Ledger` for as long as the process lives: for tests and trials. `onUsage` is given each line
 * of the bill, once.
 */
export function memoryLedger(options: MemoryLedgerOptions): Ledger {
  const cores = new Map<OrgId, LedgerCore>();
  const openCore = (org: OrgId): LedgerCore => {
    const known = cores.get(org);
    if (known) return known;
    const core = new LedgerCore(createState(), memoryJournal(org, options.onUsage ?? (() => undefined)));
    cores.set(org, core);
    return core;
  };
  const { now, wait = sleep } = options;
  const waiting = new WaitingAsks({ now, find: openCore });
  /** What changes an org's ledger gives those who wait there their turns. */
  const change = async <T>(org: OrgId, work: (core: LedgerCore) => T): Promise<T> => {
    const result = work(openCore(org));
    waiting.serve(org);
    return result;
  };
  const settle: Ledger["settle"] = (org, records) => change(org, (core) => core.settle(org, records, now()));
  return {
    admit: async (request) => waiting.admit(openCore(request.org), request),
    cancelWait: async (org, hold) => waiting.cancel(org, hold),
    introspect: async (credential) => openCore(credential.org).introspect(credential, now()),
    settle,
    settleAll: (batches) => Promise.allSettled(batches.map(({ org, records }) => settle(org, records))),
    release: (org, hold, mayRun = false, leased = undefined) =>
      change(org, (core) => core.release(hold, { mayRun, leased: leased ?? null }, now())),
    lease: async (credential, request) => openCore(credential.org).lease(credential, request, now()),
    closeLease: (org, closing) => change(org, (core) => core.closeLease(closing, now())),
    publish: async (record) => {
      const leasedForMs = await change(findHome(record), (core) => {
        const ms = core.leasedForMs(record, now());
        core.publish(record, now());
        return ms;
      });
      if (leasedForMs > 0) await wait(leasedForMs);
    },
    inspect: async (org) => openCore(org).inspect(now(), 0),
  };
}

function memoryJournal(org: OrgId, onUsage: (row: UsageRow) => void): Journal {
  const holds = new Map<string, Hold>();
  const byKey = new Map<string, Hold>();
  /** In the order of their ends, so that the oldest are found first. */
  const ends = new Map<string, Ended>();
  /** The versions of keys that have left. */
  const left = new Map<KeyId, number>();

  const close = (hold: Hold, closing: Closing): void => {
    ends.set(hold.id, { hold, closing, isAdjusted: false });
    if (closing.end === "released" && hold.idempotency) byKey.delete(hold.idempotency.key);
    for (const [id, old] of ends) {
      if (old.closing.atMs > closing.atMs - endedRetentionMs) break;
      ends.delete(id);
      holds.delete(id);
      if (old.hold.idempotency && byKey.get(old.hold.idempotency.key)?.id === id)
        byKey.delete(old.hold.idempotency.key);
    }
  };
  const write = (change: Change): void => {
    if (!("hold" in change)) return;
    const { hold } = change;
    if (change.kind === "checkpointed") return;
    if (change.kind === "held" || change.kind === "opened") {
      if (holds.has(hold.id)) throw new Error("ledger: this hold was given before");
      holds.set(hold.id, hold);
      if (hold.idempotency) byKey.set(hold.idempotency.key, hold);
      return;
    }
    if (change.kind === "closed") close(hold, change.closing);
    const ended = ends.get(hold.id);
    if (change.kind === "late") {
      if (ended) ended.isAdjusted = true;
      // Of a call whose lease was gone: it is the only word on it.
      else close(hold, change.closing);
    }
    const row = makeUsageRow(hold, change.closing, org);
    if (row) onUsage(row);
  };
  return {
    write,
    writeAll: (changes) => changes.forEach(write),
    publish: ({ id }) => void left.delete(id),
    leave: (keys) => keys.forEach(({ id, version }) => left.set(id, version)),
    findLeft: (key) => left.get(key) ?? null,
    findEnded: (holds) => select(ends, holds),
    findEarlier: (key) => {
      const hold = byKey.get(key);
      if (!hold?.idempotency) return null;
      const ended = ends.get(hold.id);
      return {
        body: hold.idempotency.body,
        admittedAtMs: hold.admittedAtMs,
        ended: ended ? makeFirstCall(ended.closing) : null,
      };
    },
  };
}

/** A map's entries under these names, as far as it has them. */
function select<Value>(all: ReadonlyMap<string, Value>, names: readonly string[]): Map<string, Value> {
  const found = new Map<string, Value>();
  for (const name of names) {
    const value = all.get(name);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}
