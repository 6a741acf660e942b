import { slotWaitMsMax } from "../../limits.ts";
import { readNeed, type LimitCheck } from "../limits.ts";
import type { Denial, HoldRequest } from "../port.ts";
import { nameOwner, listOwners, type Hold, type Lease, type State } from "../state.ts";

/**
 * What a denied call may wait for: until when, in Unix ms, and in whose way the same thing is: of all calls of the org,
 * of all of this key, or of this one alone.
 */
export interface SlotWait {
  untilMs: number;
  blocks: "org" | "key" | "ask";
}

/**
 * Whether a call that exceeds limits may wait. It may when every limit that it exceeds is one of slots; or when it
 * would fit if all that isolates have not spent of their leases were back, and then until those end, however short its
 * own wait is. `null` when it may not, or its wait is over.
 */
export function planWait(
  state: State,
  request: HoldRequest,
  { checks, hold }: { checks: LimitCheck[]; hold: Hold },
  now: number,
): SlotWait | null {
  const { waitMs = 0, waitMsMax = waitMs } = request;
  if (waitMsMax === 0) return null;
  const exceeded = checks.filter((check) => readNeed(check, hold) > check.remaining);
  if (exceeded.some((check) => readNeed(check, hold) > check.limit)) return null;
  const slotMs = exceeded.every(({ unit }) => unit === "calls") ? waitMs : 0;
  const leases = Object.values(state.leases).filter(({ isClosed }) => !isClosed);
  const isLeased = exceeded.every((check) => fitsWithLeases(check, hold, leases));
  const ledgerMs = Math.max(now, state.atMs);
  const leasedMs = isLeased ? Math.max(0, ...leases.map(({ endsAtMs }) => endsAtMs - ledgerMs)) : 0;
  const ms = Math.min(waitMsMax, Math.max(slotMs, leasedMs));
  return ms === 0 ? null : { untilMs: now + ms, blocks: findBlocked(exceeded) };
}

/** A call whose idempotency key is in use waits for the first call's end as for a slot. */
export function planRepeatWait(
  { waitMs = 0, waitMsMax = waitMs }: HoldRequest,
  denial: Denial,
  now: number,
): SlotWait | null {
  const ms = denial.reason === "idempotency_in_progress" ? Math.min(waitMs, waitMsMax) : 0;
  return ms === 0 ? null : { untilMs: now + ms, blocks: "ask" };
}

/**
 * How much longer a ledger may take over this request than over any, in ms. A wait for leases is short beside that
 * bound; what is malformed is refused at once.
 */
export function longestWaitMs({ waitMs = 0, waitMsMax = waitMs }: HoldRequest): number {
  const ms = Math.min(waitMsMax, waitMs, slotWaitMsMax);
  return ms > 0 ? ms : 0;
}

/** Keys of a project that is full are passed over one by one: each finds for itself that none is free. */
function findBlocked(exceeded: LimitCheck[]): SlotWait["blocks"] {
  const slots = exceeded.filter(({ unit }) => unit === "calls");
  if (slots.some(({ of }) => of === "org")) return "org";
  return slots.length > 0 ? "key" : "ask";
}

/** What the isolates may not have spent: the ledger has heard of no call for it. */
function fitsWithLeases({ of, unit, limit, held, settled }: LimitCheck, hold: Hold, leases: Lease[]): boolean {
  const owner = nameOwner(of, hold);
  let back = 0;
  for (const lease of leases) {
    if (!listOwners(lease).includes(owner)) continue;
    if (unit === "tokens") back += lease.left.tokens;
    else back += unit === "money" ? lease.left.costMicros : lease.left.calls;
  }
  return held + settled - back + readNeed({ unit }, hold) <= limit;
}
