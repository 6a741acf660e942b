import { listNames, mapNames } from "../../agreements/names.ts";
import type { LeasedTerms } from "../../agreements/tokens/lease.ts";
import type { HoldId } from "../../agreements/tokens/ids.ts";
import type { KeyRecord } from "../../agreements/records/key.ts";
import { leaseCallsMax, leaseCallsMin, leaseMarginMs, leaseShare, leasesMax } from "../../limits.ts";
import { listLimitChecks } from "../limits.ts";
import type { Amounts, LeaseClosing, LeaseRequest, PublishedRecord } from "../port.ts";
import { hasLimits, measureLeased, type Change, type Hold, type Lease, type State } from "../state.ts";
import { toDay } from "../windows.ts";

/**
 * The lease that this key may have now: as much as was asked for, but at most a sixteenth of what each window of key,
 * project and org has left, and `leaseCallsMax` calls; `null` where that is less than `leaseCallsMin` calls, so that
 * small plans, and whoever is near a limit, are admitted call by call. None crosses UTC midnight or the key's expiry,
 * so that all of it counts in the same day and under the same record. The ledger counts from now, which is later than
 * the isolate does, and `leaseMarginMs` more: by its clock the lease ends after it has by the isolate's.
 */
export function planLease(state: State, key: KeyRecord, request: LeaseRequest, now: number): Lease | null {
  const atMs = Math.max(now, state.atMs);
  const endsAtMs = atMs + request.ttlMs + leaseMarginMs;
  const isTwice = request.id in state.leases;
  if (isTwice || request.calls < leaseCallsMin || Object.keys(state.leases).length >= leasesMax) return null;
  if (toDay(endsAtMs) !== toDay(atMs) || (key.expiresAtMs !== null && endsAtMs > key.expiresAtMs)) return null;
  let share = Math.min(1, leaseCallsMax / request.calls);
  for (const check of listLimitChecks(state, key, atMs)) {
    const wish = { requests: request.calls, calls: request.calls, tokens: request.tokens, money: request.costMicros };
    if (wish[check.unit] > 0) share = Math.min(share, check.remaining / leaseShare / wish[check.unit]);
  }
  const calls = Math.floor(request.calls * share);
  if (calls < leaseCallsMin) return null;
  const granted = {
    calls,
    tokens: Math.floor(request.tokens * share),
    costMicros: Math.floor(request.costMicros * share),
  };
  return {
    id: request.id,
    key: key.id,
    isKeyBooked: hasLimits(key),
    ...(key.lineage && { lineage: key.lineage }),
    ...(key.project && { project: key.project }),
    granted,
    left: { ...granted },
    grantedAtMs: atMs,
    endsAtMs,
    deadlineMs: endsAtMs + request.holdMsMax,
    isClosed: false,
  };
}

/**
 * What the end of a lease gives back: all that its isolate did not spend, at most what is left of it. `null` for a
 * lease that is closed or gone: a closing that comes twice changes nothing.
 */
export function closeLease(state: State, closing: LeaseClosing, now: number): Change | null {
  const lease = state.leases[closing.lease];
  if (!lease || lease.isClosed) return null;
  const { granted, left } = lease;
  const back = (part: keyof Amounts) => Math.min(Math.max(0, granted[part] - closing[part]), left[part]);
  return {
    kind: "returned",
    lease: lease.id,
    attempts: Math.max(0, granted.calls - Math.max(closing.attempts, closing.calls)),
    back: { calls: back("calls"), tokens: back("tokens"), costMicros: back("costMicros") },
    atMs: Math.max(now, state.atMs),
  };
}

/** The leases whose last call must have ended long ago: what is left of them goes back. Oldest deadline first. */
export function sweepLeases(state: State, now: number): Change[] {
  const atMs = Math.max(now, state.atMs);
  return Object.values(state.leases)
    .filter(({ deadlineMs }) => deadlineMs <= atMs)
    .sort((one, other) => one.deadlineMs - other.deadlineMs)
    .map(({ id }) => ({ kind: "swept", lease: id, atMs }));
}

/** The next deadline of a lease; `Infinity` when none is out. */
export function nextLeaseDeadlineMs({ leases }: State): number {
  let next = Infinity;
  for (const id in leases) next = Math.min(next, leases[id]?.deadlineMs ?? Infinity);
  return next;
}

/**
 * Until when calls may be admitted under leases that were given before this record was in force: of a key its own, of a
 * project those of its keys, of an org all. 0 when there are none. Who published it waits so long before they say that
 * it is (S1).
 */
export function leasedUntilMs({ leases }: State, record: Pick<PublishedRecord, "kind" | "id">): number {
  let untilMs = 0;
  for (const lease of Object.values(leases)) {
    const isConcerned = record.kind === "org" || lease[record.kind] === record.id;
    if (isConcerned && !lease.isClosed) untilMs = Math.max(untilMs, lease.endsAtMs);
  }
  return untilMs;
}

/**
 * The hold of a call that was admitted under a lease, as its terms tell. It counts where and when the lease does.
 * Its times are bounded by the lease's: the clock of an isolate may be wrong, and its lease was given by ours.
 */
export function makeLeasedHold(
  hold: HoldId,
  terms: LeasedTerms,
  { lease, nowMs }: { lease: Lease | null; nowMs: number },
): Hold & Required<Pick<Hold, "lease">> {
  const { lease: id, price, isKeyBooked, lineage, project, ...fields } = terms;
  const booked = lease ?? { isKeyBooked, lineage, project };
  const admittedAtMs = Math.min(Math.max(terms.admittedAtMs, lease?.grantedAtMs ?? 0), lease?.endsAtMs ?? nowMs);
  const expiresAtMs = Math.min(terms.expiresAtMs, lease?.deadlineMs ?? terms.expiresAtMs);
  return {
    id: hold,
    ...fields,
    isKeyBooked: booked.isKeyBooked,
    ...(booked.lineage && { lineage: booked.lineage }),
    ...(booked.project && { project: booked.project }),
    price: { ...price },
    admittedAtMs,
    expiresAtMs: Math.max(admittedAtMs, expiresAtMs),
    idempotency: null,
    checkpoint: null,
    lease: { id, bookedAtMs: lease?.endsAtMs ?? admittedAtMs },
  };
}

/** Whether what is left of the lease covers the hold: not that of a call which was given back. */
export function coversHold({ key, left }: Lease, hold: Hold): boolean {
  const need = measureLeased(hold);
  return key === hold.key && listNames(need).every((part) => need[part] <= left[part]);
}

/**
 * The state as it will be to whoever asks what is left of its leases, while changes are planned that nobody has booked
 * yet: `take` reckons with them.
 */
export function planLeases(state: State): { state: State; take(changes: Change[]): void } {
  const planned = { ...state, leases: { ...state.leases } };
  return {
    state: planned,
    take(changes) {
      for (const change of changes) {
        const lease = change.kind === "opened" ? planned.leases[change.hold.lease.id] : undefined;
        if (change.kind !== "opened" || !lease) continue;
        const need = measureLeased(change.hold);
        const left = mapNames(listNames(need), (part) => lease.left[part] - need[part]);
        planned.leases[lease.id] = { ...lease, left };
      }
    },
  };
}
