import { mapNames } from "../agreements/names.ts";
import {
  daySlots,
  monthSlots,
  slidingSlots,
  windowNames,
  windows,
  type WindowName,
  type WindowUnit,
} from "../agreements/records/windows.ts";
import {
  costHeld,
  listOwners,
  tokensHeld,
  type Counters,
  type Change,
  type Closing,
  type Hold,
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

type Amounts = Record<WindowUnit, number>;

/** What a hold takes of a window of each unit. */
function measureHold(hold: Hold): Amounts {
  return { requests: 1, calls: 1, tokens: tokensHeld(hold), money: costHeld(hold) };
}

function countHold(counters: Counters, hold: Hold): void {
  const atMs = hold.admittedAtMs;
  if (counters.day.day !== toDay(atMs)) counters.day = createDay(toDay(atMs));
  if (counters.month.month !== toMonth(atMs)) counters.month = createMonth(toMonth(atMs));
  const amounts = measureHold(hold);
  for (const window of windowNames) {
    const rule = windows[window];
    const amount = amounts[rule.unit];
    if (rule.kind === "sliding") {
      const [held, settled] = isAttempt(rule.unit) ? [0, amount] : [amount, 0];
      addToSliding(counters[rule.slot], toBucket(atMs, rule.lengthMs), held, settled);
    } else if (rule.kind === "gauge") counters[rule.slot] += amount;
    else add(findCurrent(counters, rule, atMs), amount, 0);
  }
}

const nothing: Amounts = { requests: 0, calls: 0, tokens: 0, money: 0 };

/** What comes late has no hold to take back: expiry did that. Its request was counted then, too. */
function countClosing(counters: Counters, hold: Hold, closing: Closing): void {
  const isLate = closing.end === "adjusted";
  const held = isLate ? nothing : measureHold(hold);
  const settled: Amounts = {
    requests: isLate || closing.end === "released" ? 0 : 1,
    calls: 0,
    tokens: closing.charged.promptTokens + closing.charged.completionTokens,
    money: closing.costMicros,
  };
  const atMs = hold.admittedAtMs;
  for (const window of windowNames) {
    const rule = windows[window];
    const [back, spent] = [-held[rule.unit], settled[rule.unit]];
    if (rule.kind === "gauge") counters[rule.slot] += back;
    else if (rule.kind === "calendar") add(findCurrent(counters, rule, atMs), back, spent);
    else if (!isAttempt(rule.unit)) adjustSliding(counters[rule.slot], toBucket(atMs, rule.lengthMs), back, spent);
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
