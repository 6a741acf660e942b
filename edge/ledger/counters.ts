import type { WindowName } from "../agreements/records/quota.ts";
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
  hourBucketMs,
  minuteBucketMs,
  toMonth,
  nextDayMs,
  nextMonthMs,
  readSliding,
  type SlidingWindow,
  type Use,
} from "./windows.ts";

/** Requests by the minute and the hour are attempts: spent at once, never held, and not given back. */
export const windowNames = [
  "requestsPerMinute",
  "requestsPerHour",
  "concurrency",
  "tokensPerMinute",
  "requestsPerDay",
  "tokensPerDay",
  "tokensPerMonth",
  "costMicrosPerMonth",
] as const satisfies WindowName[];

const none: Use = { held: 0, settled: 0 };

/** Counters at zero. */
export function createCounters(): Counters {
  return {
    minute: createSlidingWindow(),
    hour: createSlidingWindow(),
    tokens: createSlidingWindow(),
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
  switch (window) {
    case "requestsPerMinute":
      return readSliding(counters.minute, Math.floor(atMs / minuteBucketMs));
    case "requestsPerHour":
      return readSliding(counters.hour, Math.floor(atMs / hourBucketMs));
    case "tokensPerMinute":
      return readSliding(counters.tokens, Math.floor(atMs / minuteBucketMs));
    case "concurrency":
      return { held: counters.open, settled: 0 };
    case "requestsPerDay":
      return counters.day.day === toDay(atMs) ? counters.day.requests : none;
    case "tokensPerDay":
      return counters.day.day === toDay(atMs) ? counters.day.tokens : none;
    case "tokensPerMonth":
      return counters.month.month === toMonth(atMs) ? counters.month.tokens : none;
    case "costMicrosPerMonth":
      return counters.month.month === toMonth(atMs) ? counters.month.cost : none;
  }
}

/**
 * When `amount` will have come free of the window if nothing else happens; `Infinity` for all of it. Not for
 * concurrency, whose answer lies in the holds. `atMs` itself when the window is empty.
 */
export function freesAtMs(counters: Counters, window: WindowName, atMs: number, amount: number): number {
  switch (window) {
    case "requestsPerMinute":
      return slidingFreesAtMs(counters.minute, minuteBucketMs, atMs, amount);
    case "requestsPerHour":
      return slidingFreesAtMs(counters.hour, hourBucketMs, atMs, amount);
    case "tokensPerMinute":
      return slidingFreesAtMs(counters.tokens, minuteBucketMs, atMs, amount);
    default:
      return countsUntilMs(window, atMs) ?? atMs;
  }
}

/**
 * Until when something that is booked at `atMs` counts in the window; `null` for concurrency, where that is the hold's
 * affair.
 */
export function countsUntilMs(window: WindowName, atMs: number): number | null {
  switch (window) {
    case "requestsPerMinute":
    case "tokensPerMinute":
      return bucketEnd(Math.floor(atMs / minuteBucketMs), minuteBucketMs);
    case "requestsPerHour":
      return bucketEnd(Math.floor(atMs / hourBucketMs), hourBucketMs);
    case "concurrency":
      return null;
    case "requestsPerDay":
    case "tokensPerDay":
      return nextDayMs(atMs);
    case "tokensPerMonth":
    case "costMicrosPerMonth":
      return nextMonthMs(atMs);
  }
}

function slidingFreesAtMs(sliding: SlidingWindow, widthMs: number, atMs: number, amount: number): number {
  const bucket = findFreeingBucket(sliding, Math.floor(atMs / widthMs), amount);
  return bucket === null ? atMs : bucketEnd(bucket, widthMs);
}

function countHold(counters: Counters, hold: Hold): void {
  const atMs = hold.admittedAtMs;
  const tokens = tokensHeld(hold);
  const minute = Math.floor(atMs / minuteBucketMs);
  addToSliding(counters.minute, minute, 0, 1);
  addToSliding(counters.hour, Math.floor(atMs / hourBucketMs), 0, 1);
  addToSliding(counters.tokens, minute, tokens, 0);
  counters.open += 1;
  if (counters.day.day !== toDay(atMs)) counters.day = createDay(toDay(atMs));
  if (counters.month.month !== toMonth(atMs)) counters.month = createMonth(toMonth(atMs));
  counters.day.requests.held += 1;
  counters.day.tokens.held += tokens;
  counters.month.tokens.held += tokens;
  counters.month.cost.held += costHeld(hold);
}

/** A correction has no hold to take back: expiry did that. Its request was counted then, too. */
function countClosing(counters: Counters, hold: Hold, closing: Closing): void {
  const isLate = closing.end === "adjusted";
  const held = isLate ? 0 : -tokensHeld(hold);
  const settled = closing.charged.promptTokens + closing.charged.completionTokens;
  adjustSliding(counters.tokens, Math.floor(hold.admittedAtMs / minuteBucketMs), held, settled);
  if (!isLate) counters.open -= 1;
  if (counters.day.day === toDay(hold.admittedAtMs)) {
    add(counters.day.tokens, held, settled);
    if (!isLate) add(counters.day.requests, -1, closing.end === "released" ? 0 : 1);
  }
  if (counters.month.month === toMonth(hold.admittedAtMs)) {
    add(counters.month.tokens, held, settled);
    add(counters.month.cost, isLate ? 0 : -costHeld(hold), closing.costMicros);
  }
}

function add(use: Use, held: number, settled: number): void {
  use.held += held;
  use.settled += settled;
}

function createDay(day: number): Counters["day"] {
  return { day, requests: { ...none }, tokens: { ...none } };
}

function createMonth(month: number): Counters["month"] {
  return { month, tokens: { ...none }, cost: { ...none } };
}
