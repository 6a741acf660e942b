import type { WindowName } from "../agreements/records/quota.ts";
import { costHeld, tokensHeld, type Books, type Change, type Closing, type Hold, type State } from "./state.ts";
import {
  adjustSlide,
  bookSlide,
  bucketEnd,
  bucketThatFrees,
  dayOf,
  emptySlide,
  hourBucketMs,
  minuteBucketMs,
  monthOf,
  nextDayMs,
  nextMonthMs,
  useOfSlide,
  type Slide,
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
export function emptyBooks(): Books {
  return {
    minute: emptySlide(),
    hour: emptySlide(),
    tokens: emptySlide(),
    open: 0,
    day: emptyDay(0),
    month: emptyMonth(0),
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
  for (const owner of hold.isKeyBooked ? ["org", hold.key] : ["org"]) {
    const books = (state.books[owner] ??= emptyBooks());
    if (change.kind === "held") bookHold(books, hold);
    else bookClosing(books, hold, change.closing);
  }
  if (change.kind === "held") state.holds[hold.id] = hold;
  else delete state.holds[hold.id];
  state.atMs = Math.max(state.atMs, change.kind === "held" ? hold.admittedAtMs : change.closing.atMs);
}

/** What a window has given away at `atMs`. Changes nothing. */
export function useOf(books: Books, window: WindowName, atMs: number): Use {
  switch (window) {
    case "requestsPerMinute":
      return useOfSlide(books.minute, Math.floor(atMs / minuteBucketMs));
    case "requestsPerHour":
      return useOfSlide(books.hour, Math.floor(atMs / hourBucketMs));
    case "tokensPerMinute":
      return useOfSlide(books.tokens, Math.floor(atMs / minuteBucketMs));
    case "concurrency":
      return { held: books.open, settled: 0 };
    case "requestsPerDay":
      return books.day.day === dayOf(atMs) ? books.day.requests : none;
    case "tokensPerDay":
      return books.day.day === dayOf(atMs) ? books.day.tokens : none;
    case "tokensPerMonth":
      return books.month.month === monthOf(atMs) ? books.month.tokens : none;
    case "costMicrosPerMonth":
      return books.month.month === monthOf(atMs) ? books.month.cost : none;
  }
}

/**
 * When `amount` will have come free of the window if nothing else happens; `Infinity` for all of it. Not for
 * concurrency, whose answer lies in the holds. `atMs` itself when the window is empty.
 */
export function freesAtMs(books: Books, window: WindowName, atMs: number, amount: number): number {
  switch (window) {
    case "requestsPerMinute":
      return slideFreesAtMs(books.minute, minuteBucketMs, atMs, amount);
    case "requestsPerHour":
      return slideFreesAtMs(books.hour, hourBucketMs, atMs, amount);
    case "tokensPerMinute":
      return slideFreesAtMs(books.tokens, minuteBucketMs, atMs, amount);
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

function slideFreesAtMs(slide: Slide, widthMs: number, atMs: number, amount: number): number {
  const bucket = bucketThatFrees(slide, Math.floor(atMs / widthMs), amount);
  return bucket === null ? atMs : bucketEnd(bucket, widthMs);
}

function bookHold(books: Books, hold: Hold): void {
  const atMs = hold.admittedAtMs;
  const tokens = tokensHeld(hold);
  const minute = Math.floor(atMs / minuteBucketMs);
  bookSlide(books.minute, minute, 0, 1);
  bookSlide(books.hour, Math.floor(atMs / hourBucketMs), 0, 1);
  bookSlide(books.tokens, minute, tokens, 0);
  books.open += 1;
  if (books.day.day !== dayOf(atMs)) books.day = emptyDay(dayOf(atMs));
  if (books.month.month !== monthOf(atMs)) books.month = emptyMonth(monthOf(atMs));
  books.day.requests.held += 1;
  books.day.tokens.held += tokens;
  books.month.tokens.held += tokens;
  books.month.cost.held += costHeld(hold);
}

/** A correction has no hold to take back: expiry did that. Its request was counted then, too. */
function bookClosing(books: Books, hold: Hold, closing: Closing): void {
  const isLate = closing.end === "adjusted";
  const held = isLate ? 0 : -tokensHeld(hold);
  const settled = closing.charged.promptTokens + closing.charged.completionTokens;
  adjustSlide(books.tokens, Math.floor(hold.admittedAtMs / minuteBucketMs), held, settled);
  if (!isLate) books.open -= 1;
  if (books.day.day === dayOf(hold.admittedAtMs)) {
    add(books.day.tokens, held, settled);
    if (!isLate) add(books.day.requests, -1, closing.end === "released" ? 0 : 1);
  }
  if (books.month.month === monthOf(hold.admittedAtMs)) {
    add(books.month.tokens, held, settled);
    add(books.month.cost, isLate ? 0 : -costHeld(hold), closing.costMicros);
  }
}

function add(use: Use, held: number, settled: number): void {
  use.held += held;
  use.settled += settled;
}

function emptyDay(day: number): Books["day"] {
  return { day, requests: { ...none }, tokens: { ...none } };
}

function emptyMonth(month: number): Books["month"] {
  return { month, tokens: { ...none }, cost: { ...none } };
}
