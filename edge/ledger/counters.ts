import { listNames, mapNames } from "../agreements/names.ts";
import {
  daySlots,
  monthSlots,
  slidingSlots,
  windowNames,
  windows,
  type WindowName,
  type WindowUnit,
} from "../agreements/records/windows.ts";
import type { Amounts } from "./port.ts";
import {
  bookedAtMs,
  costHeld,
  listOwners,
  measureLeased,
  tokensHeld,
  type Change,
  type Closing,
  type Counters,
  type Hold,
  type Lease,
  type LeaseChange,
  type State,
} from "./state.ts";
import {
  adjustSliding,
  addToSliding,
  bucketEnd,
  findFreeingBucket,
  toDay,
  createSlidingWindow,
  toBucket,
  toBucketMs,
  toMonth,
  nextDayMs,
  nextMonthMs,
  readSliding,
  type Use,
} from "./windows.ts";

/**
 * What is counted by the minute and the hour are attempts (`requests`): spent at once, never held, and not given back.
 */
const isAttempt = (unit: WindowUnit): boolean => unit === "requests";

const none: Use = { held: 0, settled: 0 };

/** Counters at zero. */
export function createCounters(): Counters {
  return {
    ...mapNames(slidingSlots, createSlidingWindow),
    open: 0,
    day: createDay(0),
    month: createMonth(0),
  };
}

/**
 * Applies one change; the only way a state changes, save by `publish`. The hold of a change other than `held` must be
 * as it was admitted.
 */
export function apply(state: State, change: Change): void {
  if (!("hold" in change) || change.kind === "opened") return applyToLease(state, change);
  const { hold } = change;
  if (change.kind === "checkpointed") {
    state.holds[hold.id] = hold;
    return;
  }
  for (const owner of listOwners(hold)) {
    // What comes late makes no counters: they went with their keys (leave.ts), since all their windows had passed.
    if (change.kind === "late" && !state.counters[owner]) continue;
    const counters = (state.counters[owner] ??= createCounters());
    if (change.kind === "held") countHold(counters, hold);
    else countClosing(counters, hold, change.closing);
  }
  if (change.kind === "held") state.holds[hold.id] = hold;
  else delete state.holds[hold.id];
  state.atMs = Math.max(state.atMs, change.kind === "held" ? hold.admittedAtMs : change.closing.atMs);
}

/** A lease's own counters are those of its key and org; it is forgotten when it is closed and nothing of it is left. */
function applyToLease(state: State, change: LeaseChange): void {
  if (change.kind === "leased") {
    const lease = { ...change.lease, left: { ...change.lease.granted } };
    for (const owner of listOwners(lease)) countLease((state.counters[owner] ??= createCounters()), lease);
    state.leases[lease.id] = lease;
    state.atMs = Math.max(state.atMs, lease.grantedAtMs);
    return;
  }
  const lease = state.leases[change.kind === "opened" ? change.hold.lease.id : change.lease];
  if (change.kind === "opened") {
    state.holds[change.hold.id] = change.hold;
    if (lease) takeFromLease(state, lease, measureLeased(change.hold));
    return;
  }
  if (!lease) return;
  const isSwept = change.kind === "swept";
  const back = isSwept ? { ...lease.left } : change.back;
  // Calls of a closed lease that nobody has settled ran, or may have: as with a hold that expires, the request counts.
  const counts = isSwept ? { requests: lease.isClosed ? back.calls : 0 } : { attempts: change.attempts };
  for (const owner of listOwners(lease)) {
    const counters = state.counters[owner];
    if (counters) countReturn(counters, lease, back, counts);
  }
  lease.isClosed = true;
  state.atMs = Math.max(state.atMs, change.atMs);
  takeFromLease(state, lease, back);
}

function takeFromLease(state: State, lease: Lease, amounts: Amounts): void {
  const { left } = lease;
  for (const part of listNames(left)) left[part] -= amounts[part];
  if (lease.isClosed && listNames(left).every((part) => left[part] === 0)) delete state.leases[lease.id];
}

/** What a window has given away at `atMs`. Changes nothing. */
export function readUse(counters: Counters, window: WindowName, atMs: number): Use {
  const rule = windows[window];
  if (rule.kind === "sliding") return readSliding(counters[rule.slot], toBucket(atMs, rule.lengthMs));
  if (rule.kind === "gauge") return { held: counters[rule.slot], settled: 0 };
  return findCurrent(counters, rule, atMs) ?? none;
}

/**
 * When `amount` will have come free of the window if nothing else happens; `Infinity` for all of it. Not for
 * concurrency, whose answer lies in the holds. `atMs` itself when the window is empty.
 */
export function freesAtMs(counters: Counters, window: WindowName, atMs: number, amount: number): number {
  const rule = windows[window];
  if (rule.kind !== "sliding") return countsUntilMs(window, atMs) ?? atMs;
  const bucket = findFreeingBucket(counters[rule.slot], toBucket(atMs, rule.lengthMs), amount);
  return bucket === null ? atMs : bucketEnd(bucket, toBucketMs(rule.lengthMs));
}

/**
 * Until when something that is booked at `atMs` counts in the window; `null` for concurrency, where that is the hold's
 * affair.
 */
export function countsUntilMs(window: WindowName, atMs: number): number | null {
  const rule = windows[window];
  if (rule.kind === "sliding") return bucketEnd(toBucket(atMs, rule.lengthMs), toBucketMs(rule.lengthMs));
  if (rule.kind === "gauge") return null;
  return rule.period === "day" ? nextDayMs(atMs) : nextMonthMs(atMs);
}

type CalendarRule = Extract<(typeof windows)[WindowName], { kind: "calendar" }>;

/** The count of a day or month if that is the one of `atMs`, else `null`. */
function findCurrent({ day, month }: Counters, rule: CalendarRule, atMs: number): Use | null {
  if (rule.period === "day") return day.day === toDay(atMs) ? day[rule.slot] : null;
  return month.month === toMonth(atMs) ? month[rule.slot] : null;
}

/** What changes in a window of each unit. `attempts` is for the sliding windows of requests. */
interface Booking {
  attempts: number;
  held: Record<WindowUnit, number>;
  settled: Record<WindowUnit, number>;
}

const nothing: Booking["held"] = { requests: 0, calls: 0, tokens: 0, money: 0 };

/** What a hold takes of a window of each unit. */
function measureHold(hold: Hold): Booking["held"] {
  return { requests: 1, calls: 1, tokens: tokensHeld(hold), money: costHeld(hold) };
}

function countHold(counters: Counters, hold: Hold): void {
  const { admittedAtMs } = hold;
  turnCalendar(counters, admittedAtMs);
  open(counters, { currentMs: admittedAtMs, atMs: admittedAtMs }, { attempts: 1, held: measureHold(hold) });
}

/** What comes late has no hold to take back: expiry did that. Its request was counted then, too. */
function countClosing(counters: Counters, hold: Hold, closing: Closing): void {
  const isLate = closing.end === "adjusted";
  const settled = {
    requests: isLate || closing.end === "released" ? 0 : 1,
    calls: 0,
    tokens: closing.charged.promptTokens + closing.charged.completionTokens,
    money: closing.costMicros,
  };
  adjust(counters, bookedAtMs(hold), { attempts: 0, held: negate(isLate ? nothing : measureHold(hold)), settled });
}

/** The whole of a lease counts at its end, which lies ahead. */
function countLease(counters: Counters, { granted, grantedAtMs, endsAtMs }: Lease): void {
  turnCalendar(counters, endsAtMs);
  open(counters, { currentMs: grantedAtMs, atMs: endsAtMs }, { attempts: granted.calls, held: toHeld(granted) });
}

/** Part of a lease goes back. `requests`: of its calls so many were made, and nobody will settle them any more. */
function countReturn(counters: Counters, lease: Lease, back: Amounts, { attempts = 0, requests = 0 }): void {
  adjust(counters, lease.endsAtMs, {
    attempts: -attempts,
    held: negate(toHeld(back)),
    settled: { ...nothing, requests },
  });
}

function toHeld({ calls, tokens, costMicros }: Amounts): Booking["held"] {
  return { requests: calls, calls, tokens, money: costMicros };
}

function negate(held: Booking["held"]): Booking["held"] {
  return { requests: -held.requests, calls: -held.calls, tokens: -held.tokens, money: -held.money };
}

function turnCalendar(counters: Counters, atMs: number): void {
  if (counters.day.day !== toDay(atMs)) counters.day = createDay(toDay(atMs));
  if (counters.month.month !== toMonth(atMs)) counters.month = createMonth(toMonth(atMs));
}

/** Counts what is new, at `atMs`, which may lie ahead of now (`currentMs`). */
function open(
  counters: Counters,
  { currentMs, atMs }: { currentMs: number; atMs: number },
  { attempts, held }: Omit<Booking, "settled">,
): void {
  for (const window of windowNames) {
    const rule = windows[window];
    if (rule.kind === "sliding") {
      const buckets = { bucket: toBucket(atMs, rule.lengthMs), current: toBucket(currentMs, rule.lengthMs) };
      const [more, spent] = isAttempt(rule.unit) ? [0, attempts] : [held[rule.unit], 0];
      addToSliding(counters[rule.slot], buckets, more, spent);
    } else if (rule.kind === "gauge") counters[rule.slot] += held[rule.unit];
    else add(findCurrent(counters, rule, atMs), held[rule.unit], 0);
  }
}

/** Changes what was counted at `atMs`; what does not count any more stays as it is. */
function adjust(counters: Counters, atMs: number, { attempts, held, settled }: Booking): void {
  for (const window of windowNames) {
    const rule = windows[window];
    const [more, spent] = [held[rule.unit], settled[rule.unit]];
    if (rule.kind === "gauge") counters[rule.slot] += more;
    else if (rule.kind === "calendar") add(findCurrent(counters, rule, atMs), more, spent);
    else if (!isAttempt(rule.unit)) adjustSliding(counters[rule.slot], toBucket(atMs, rule.lengthMs), more, spent);
    else if (attempts !== 0) adjustSliding(counters[rule.slot], toBucket(atMs, rule.lengthMs), 0, attempts);
  }
}

function add(use: Use | null, held: number, settled: number): void {
  if (!use) return;
  use.held += held;
  use.settled += settled;
}

function createDay(day: number): Counters["day"] {
  return { day, ...mapNames(daySlots, () => ({ ...none })) };
}

function createMonth(month: number): Counters["month"] {
  return { month, ...mapNames(monthSlots, () => ({ ...none })) };
}
