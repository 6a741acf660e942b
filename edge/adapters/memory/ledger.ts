import { endedKeepMs, Keeper, type Journal } from "../../ledger/core.ts";
import type { Ledger, UsageRow } from "../../ledger/port.ts";
import {
  emptyState,
  firstCall,
  usageRow,
  type Change,
  type Closing,
  type Ended,
  type Hold,
} from "../../ledger/state.ts";
import type { OrgId } from "../../agreements/tokens/ids.ts";

/**
 * Keeps the promises of `Ledger` for as long as the process lives: for tests and trials. `onUsage` is given each line
 * of the bill, once.
 */
export function memoryLedger(options: { now: () => number; onUsage?: (row: UsageRow) => void }): Ledger {
  const keepers = new Map<OrgId, Keeper>();
  const keeperOf = (org: OrgId): Keeper => {
    const known = keepers.get(org);
    if (known) return known;
    const keeper = new Keeper(emptyState(), memoryJournal(org, options.onUsage ?? (() => undefined)));
    keepers.set(org, keeper);
    return keeper;
  };
  const { now } = options;
  const settle: Ledger["settle"] = async (org, records) => keeperOf(org).settle(org, records, now());
  return {
    admit: async (ask) => {
      const keeper = keeperOf(ask.org);
      return keeper.keep(keeper.weigh(ask, now()));
    },
    look: async (credential) => keeperOf(credential.org).look(credential, now()),
    settle,
    settleAll: (batches) => Promise.allSettled(batches.map(({ org, records }) => settle(org, records))),
    release: async (org, hold, mayRun = false) => keeperOf(org).release(hold, mayRun, now()),
    publish: async (record) => keeperOf(record.kind === "org" ? record.id : record.org).publish(record),
    inspect: async (org) => keeperOf(org).inspect(now(), 0),
  };
}

function memoryJournal(org: OrgId, onUsage: (row: UsageRow) => void): Journal {
  const holds = new Map<string, Hold>();
  const byKey = new Map<string, Hold>();
  /** In the order of their ends, so that the oldest are found first. */
  const ends = new Map<string, Ended>();

  const close = (hold: Hold, closing: Closing): void => {
    ends.set(hold.id, { hold, closing, isCorrected: false });
    if (closing.end === "released" && hold.idempotency) byKey.delete(hold.idempotency.key);
    for (const [id, old] of ends) {
      if (old.closing.atMs > closing.atMs - endedKeepMs) break;
      ends.delete(id);
      holds.delete(id);
      if (old.hold.idempotency && byKey.get(old.hold.idempotency.key)?.id === id)
        byKey.delete(old.hold.idempotency.key);
    }
  };
  const write = (change: Change): void => {
    const { hold } = change;
    if (change.kind === "checkpointed") return;
    if (change.kind === "held") {
      if (holds.has(hold.id)) throw new Error("ledger: this hold was given before");
      holds.set(hold.id, hold);
      if (hold.idempotency) byKey.set(hold.idempotency.key, hold);
      return;
    }
    if (change.kind === "closed") close(hold, change.closing);
    const ended = ends.get(hold.id);
    if (change.kind === "late" && ended) ended.isCorrected = true;
    const row = usageRow(hold, change.closing, org);
    if (row) onUsage(row);
  };
  return {
    write,
    publish: () => undefined,
    ended: (hold) => ends.get(hold) ?? null,
    earlier: (key) => {
      const hold = byKey.get(key);
      if (!hold?.idempotency) return null;
      const ended = ends.get(hold.id);
      return {
        body: hold.idempotency.body,
        admittedAtMs: hold.admittedAtMs,
        ended: ended ? firstCall(ended.closing) : null,
      };
    },
  };
}
