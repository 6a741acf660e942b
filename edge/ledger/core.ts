import type { Credential } from "../agreements/tokens/credential.ts";
import type { KeyRecord } from "../agreements/records/key.ts";
import type { HoldId, KeyId, OrgId } from "../agreements/tokens/ids.ts";
import type { LeasedTerms } from "../agreements/tokens/lease.ts";
import { apply } from "./counters.ts";
import {
  checkClosing,
  checkCredential,
  checkHold,
  checkLease,
  checkLeased,
  checkRecords,
  checkRequest,
} from "./check.ts";
import { decide, findKeyInForce, type Decision } from "./decide.ts";
import { leave, nextLeaveMs, planLeave } from "./leave.ts";
import { listLimitChecks, reportRates } from "./limits.ts";
import { closeLease, leasedUntilMs, nextLeaseDeadlineMs, planLease, planLeases, sweepLeases } from "./leases/lease.ts";
import type {
  Denial,
  Grant,
  HoldRequest,
  LeaseClosing,
  LeaseGrant,
  LeaseRequest,
  LedgerState,
  PublishedRecord,
  Rates,
  Scopes,
  SettledRecord,
  Settlement,
} from "./port.ts";
import { inspect, publish } from "./publish.ts";
import { expire, nextDeadlineMs, release, settle } from "./settle.ts";
import type { Change, EarlierCall, Ended, State } from "./state.ts";

/** Stores changes, synchronously. When it throws, nothing is stored, and the state stays as it was before. */
export interface Journal {
  /** Stores a change; throws on a hold id that was given before. */
  write(change: Change): void;
  /** Stores changes of different holds, all or none. */
  writeAll(changes: Change[]): void;
  /** Stores a record that is coming into force, and when it leaves, if it is a key's that ends. */
  publish(record: PublishedRecord, leavesAtMs: number | null): void;
  /** Forgets these keys but for their versions, and stores the counters of the state after. */
  leave(keys: KeyRecord[], after: State): void;
  /** The version of a key that has left; `null` when none did. */
  findLeft(key: KeyId): number | null;
  /** Those of these holds that have ended, by id, while they are remembered (`endedRetentionMs`). */
  findEnded(holds: readonly HoldId[]): ReadonlyMap<HoldId, Ended>;
  /** The newest hold with this idempotency key that was not released, while it is remembered. */
  findEarlier(key: string): EarlierCall | null;
}

/** What a batch of records does, and the changes that make it so; they are not booked yet. */
export interface PlannedSettlement {
  settlements: Settlement[];
  changes: Change[];
}

/**
 * One org's ledger, apart from its storage. Every method is synchronous, so a caller is atomic as long as they await
 * nothing between `evaluate` and `commit`. Each change goes to the journal first and into the state after.
 */
export class LedgerCore {
  #state: State;
  readonly #journal: Journal;
  /** No open hold has an earlier deadline, and no key leaves earlier: most calls need not search for one. */
  #quietUntilMs: number;

  constructor(state: State, journal: Journal) {
    this.#state = state;
    this.#journal = journal;
    this.#quietUntilMs = nextDueMs(state);
  }

  /** As it is now: to be read, never changed. */
  get state(): State {
    return this.#state;
  }

  /** Nothing has to be done before: by no deadline of a hold or a lease, and for no key that leaves. */
  get quietUntilMs(): number {
    return this.#quietUntilMs;
  }

  /**
   * Expires what is due, then decides. Throws on a malformed request. Nothing is reserved before `commit`.
   */
  evaluate(request: HoldRequest, now: number): Decision {
    checkRequest(request);
    this.expire(now);
    return decide(this.state, request, request.idempotency && this.#journal.findEarlier(request.idempotency.key), now);
  }

  /** Books the decision, with the lease that was asked for if there may be one, and only then answers it. */
  commit(decision: Decision): Grant | Denial {
    if (decision.kind === "denied") return decision.denial;
    const { hold, grant, lease, atMs: now } = decision;
    this.#write({ kind: "held", hold });
    const given = lease && this.#grantLease(hold.key, lease, { rates: grant.rates, now });
    return given ? { ...grant, lease: given } : grant;
  }

  /** See `Ledger.lease`. */
  lease(credential: Credential, request: LeaseRequest, now: number): LeaseGrant | null {
    checkCredential(credential);
    checkLease(request);
    this.expire(now);
    const key = findKeyInForce(this.state, credential, now);
    if (key.kind === "denial") return null;
    const checks = listLimitChecks(this.state, key, Math.max(now, this.state.atMs));
    return this.#grantLease(key.id, request, { rates: reportRates(checks, null, now), now });
  }

  /** See `Ledger.closeLease`. */
  closeLease(closing: LeaseClosing, now: number): void {
    checkClosing(closing);
    this.expire(now);
    const change = closeLease(this.state, closing, now);
    if (change) this.#write(change);
  }

  /**
   * How long calls may still be admitted under what was in force before this record, in ms; 0 for no longer. By the
   * ledger's time, so it is no longer than a lease lives, even with a clock that was set back.
   */
  leasedForMs(record: PublishedRecord, now: number): number {
    return Math.max(0, leasedUntilMs(this.state, record) - Math.max(now, this.state.atMs));
  }

  #grantLease(id: KeyId, request: LeaseRequest, { rates, now }: { rates: Rates; now: number }): LeaseGrant | null {
    const key = this.state.keys[id];
    const lease = key && planLease(this.state, key, request, now);
    if (!lease) return null;
    this.#write({ kind: "leased", lease });
    return { id: lease.id, key, ...lease.granted, ttlMs: request.ttlMs, holdMsMax: request.holdMsMax, rates };
  }

  introspect(credential: Credential, now: number): Scopes | Denial {
    checkCredential(credential);
    const key = findKeyInForce(this.state, credential, now);
    return key.kind === "denial" ? key : { kind: "scopes", endpoints: key.endpoints, models: key.models };
  }

  settle(org: OrgId, records: SettledRecord[], now: number): Settlement[] {
    const { settlements, changes } = this.planSettlement(org, records, now);
    this.book(changes);
    return settlements;
  }

  /**
   * Decides what the records do, for `book` or, once they are in the journal, `apply`: nothing may happen in between.
   * What one record does hangs on its own hold, and on what is left of its lease, which `planned` reckons with; so only
   * a hold that is named again must see its earlier change: then those before it are booked at once.
   */
  planSettlement(org: OrgId, records: SettledRecord[], now: number): PlannedSettlement {
    const checked = checkRecords(org, records);
    this.expire(now);
    const settlements: Settlement[] = [];
    let changes: Change[] = [];
    for (const run of splitRepeated(checked)) {
      this.book(changes);
      changes = [];
      const planned = planLeases(this.state);
      const ended = this.#findEnded(run.map(({ hold }) => hold));
      for (const record of run) {
        const outcome = settle(planned.state, record, ended.get(record.hold) ?? null, now);
        planned.take(outcome.changes);
        settlements.push({ hold: record.hold, result: outcome.result });
        changes.push(...outcome.changes);
      }
    }
    return { settlements, changes };
  }

  /** Stores planned changes, all or none, and then makes them. */
  book(changes: Change[]): void {
    if (changes.length > 0) this.#journal.writeAll(changes);
    this.apply(changes);
  }

  /** Makes planned changes that the journal has. */
  apply(changes: Change[]): void {
    for (const change of changes) this.#apply(change);
  }

  release(
    hold: HoldId,
    { mayRun, leased: terms }: { mayRun: boolean; leased: LeasedTerms | null },
    now: number,
  ): Settlement {
    checkHold(hold);
    if (terms) checkLeased(terms);
    this.expire(now);
    const open = this.state.holds[hold] ?? null;
    const leased = terms && { hold, terms };
    const ended = this.#findEnded([hold]).get(hold) ?? null;
    const { result, changes } = release(this.state, { hold: open, ended, mayRun, leased }, now);
    this.book(changes);
    return { hold, result };
  }

  /** A key that has left comes back by a higher version only: a late worker with an old record revives nothing. */
  publish(record: PublishedRecord, now: number): void {
    const published = publish(this.state, record);
    if (!published) return;
    if (record.kind !== "key") {
      this.#journal.publish(record, null);
      this.#state = published;
      return;
    }
    const left = record.id in this.state.keys ? null : this.#journal.findLeft(record.id);
    if (left !== null && record.version <= left) return;
    const fresh = planLeave({ before: this.state, after: published }, record.id, now);
    const leavesAtMs = fresh.leaving[record.id] ?? null;
    this.#journal.publish(fresh.keys[record.id] ?? record, leavesAtMs);
    this.#state = fresh;
    this.#quietUntilMs = Math.min(this.#quietUntilMs, leavesAtMs ?? Infinity);
  }

  inspect(now: number, outboxRows: number): LedgerState | null {
    this.expire(now);
    return inspect(this.state, now, outboxRows);
  }

  /** Ends every hold whose deadline has come (Q3), and lets go of keys that ended long ago. */
  expire(now: number): void {
    if (Math.max(now, this.state.atMs) < this.#quietUntilMs) return;
    for (const change of expire(this.state, now)) this.#write(change);
    for (const change of sweepLeases(this.state, now)) this.#write(change);
    const departure = leave(this.state, now);
    if (departure) {
      this.#journal.leave(departure.keys, departure.after);
      this.#state = departure.after;
    }
    this.#quietUntilMs = nextDueMs(this.state);
  }

  /** The journal is asked only about holds that are not open, and once. */
  #findEnded(holds: HoldId[]): ReadonlyMap<HoldId, Ended> {
    const gone = holds.filter((hold) => !(hold in this.state.holds));
    return gone.length > 0 ? this.#journal.findEnded(gone) : noneEnded;
  }

  #write(change: Change): void {
    this.#journal.write(change);
    this.#apply(change);
  }

  #apply(change: Change): void {
    apply(this.state, change);
    this.#quietUntilMs = Math.min(this.#quietUntilMs, readDeadlineMs(change));
  }
}

const noneEnded: ReadonlyMap<HoldId, Ended> = new Map();

/** The records in their order, in runs that name each hold once. */
function splitRepeated(records: SettledRecord[]): SettledRecord[][] {
  const runs: SettledRecord[][] = [];
  const named = new Set<HoldId>();
  for (const record of records) {
    const run = runs.at(-1);
    if (run && !named.has(record.hold)) run.push(record);
    else {
      runs.push([record]);
      named.clear();
    }
    named.add(record.hold);
  }
  return runs;
}

/** By when something has to be done about what a change leaves open; `Infinity` for never. */
function readDeadlineMs(change: Change): number {
  if (change.kind === "leased") return change.lease.deadlineMs;
  const isOpen = change.kind === "held" || change.kind === "opened" || change.kind === "checkpointed";
  return isOpen ? change.hold.expiresAtMs : Infinity;
}

/** When a hold or a lease expires or a key leaves, whichever comes first; `Infinity` for none. */
export function nextDueMs(state: State): number {
  return Math.min(nextDeadlineMs(state), nextLeaseDeadlineMs(state), nextLeaveMs(state));
}
