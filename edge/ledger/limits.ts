import type { KeyRecord } from "../agreements/records/key.ts";
import { costMicros } from "../agreements/records/model.ts";
import type { WindowName } from "../agreements/records/quota.ts";
import type { WindowReport } from "../protocol/rate-headers.ts";
import { countsUntilMs, emptyBooks, freesAtMs, useOf, windowNames } from "./counters.ts";
import type { Ask, Rates } from "./port.ts";
import { costHeld, tokensHeld, type Books, type Hold, type State } from "./state.ts";

/** One limit that a call has to pass: a window of its key or its org, with what is left of it at this moment. */
export interface Lane {
  of: "org" | "key";
  window: WindowName;
  unit: Unit;
  limit: number;
  remaining: number;
  books: Books;
  atMs: number;
}

/** A limit that the call would exceed, and when it will fit. */
export interface Shut {
  lane: Lane;
  opensAtMs: number;
}

type Unit = "requests" | "calls" | "tokens" | "money";

const unitOf: Record<WindowName, Unit> = {
  requestsPerMinute: "requests",
  requestsPerHour: "requests",
  concurrency: "calls",
  tokensPerMinute: "tokens",
  requestsPerDay: "requests",
  tokensPerDay: "tokens",
  tokensPerMonth: "tokens",
  costMicrosPerMonth: "money",
};

const noBooks = emptyBooks();

/**
 * Every limit on this key, the key's own first. `remaining` is never below 0, though a limit may have been lowered
 * under what was used.
 */
export function lanesOf(state: State, key: KeyRecord, atMs: number): Lane[] {
  const lanes: Lane[] = [];
  for (const [of, limits, books] of [
    ["key", key.limits, state.books[key.id]],
    ["org", state.org?.limits, state.books["org"]],
  ] as const) {
    if (!limits) continue;
    for (const window of windowNames) {
      const limit = limits[window] ?? null;
      if (limit === null) continue;
      const { held, settled } = useOf(books ?? noBooks, window, atMs);
      const remaining = Math.max(0, limit - held - settled);
      lanes.push({ of, window, unit: unitOf[window], limit, remaining, books: books ?? noBooks, atMs });
    }
  }
  return lanes;
}

/**
 * Of the limits that this hold exceeds, the one that opens last (the first of equals); `null` when it fits all of them.
 * A limit smaller than the hold itself never opens: it comes before all others, and its opening is set one whole window
 * from now.
 */
export function firstShut(state: State, lanes: Lane[], hold: Hold): Shut | null {
  let shut: Shut | null = null;
  for (const lane of lanes) {
    const amount = need(lane, hold);
    if (amount <= lane.remaining) continue;
    if (amount > lane.limit) return { lane, opensAtMs: countsUntilMs(lane.window, lane.atMs) ?? hold.expiresAtMs };
    const opensAtMs = lane.window === "concurrency" ? slotAtMs(state, lane, hold) : roomAtMs(lane, amount);
    if (!shut || opensAtMs > shut.opensAtMs) shut = { lane, opensAtMs };
  }
  return shut;
}

/**
 * The largest number of completion tokens that fits, at least 1 and at most the requested number; the requested number
 * when nothing fits.
 */
export function clampedCompletion(lanes: Lane[], ask: Ask): number {
  if (ask.choices === 0) return ask.completionTokens;
  const fitting = Math.floor((tokensFitting(lanes, ask) - ask.promptTokens) / ask.choices);
  return fitting < 1 ? ask.completionTokens : Math.min(ask.completionTokens, fitting);
}

/** How many tokens every token and money window has room for. Money pays for the prompt first. */
export function tokensFitting(lanes: Lane[], ask: Ask): number {
  const completion = ask.choices * ask.completionTokens;
  let fitting = Infinity;
  for (const { unit, remaining } of lanes) {
    if (unit === "tokens") fitting = Math.min(fitting, remaining);
    if (unit === "money") fitting = Math.min(fitting, tokensFor(remaining, ask, completion));
  }
  return Math.min(fitting, Number.MAX_SAFE_INTEGER);
}

/**
 * The narrowest request window and token window, as they are (`hold` null) or as they will be once the hold is booked.
 */
export function ratesOf(lanes: Lane[], hold: Hold | null, now: number): Rates {
  return { requests: narrowest(lanes, "requests", hold, now), tokens: narrowest(lanes, "tokens", hold, now) };
}

function narrowest(lanes: Lane[], unit: Unit, hold: Hold | null, now: number): WindowReport | null {
  let found: Lane | null = null;
  let remaining = Infinity;
  for (const lane of lanes) {
    if (lane.unit !== unit) continue;
    const left = lane.remaining - (hold ? need(lane, hold) : 0);
    if (left >= remaining) continue;
    remaining = left;
    found = lane;
  }
  if (!found) return null;
  return { limit: found.limit, remaining, resetMs: (fullAtMs(found, hold) ?? now) - now };
}

/** A window that takes something now is full again when that has gone; one with nothing in it (null) is full. */
function fullAtMs({ books, window, atMs }: Lane, hold: Hold | null): number | null {
  const until = hold && (unitOf[window] !== "tokens" || tokensHeld(hold) > 0) ? countsUntilMs(window, atMs) : null;
  if (until !== null) return until;
  const { held, settled } = useOf(books, window, atMs);
  return held + settled === 0 ? null : freesAtMs(books, window, atMs, Infinity);
}

function need({ unit }: Lane, hold: Hold): number {
  if (unit === "tokens") return tokensHeld(hold);
  return unit === "money" ? costHeld(hold) : 1;
}

/** Exact: enough has slid out, or the calendar has turned. */
function roomAtMs({ books, window, atMs, limit }: Lane, amount: number): number {
  const { held, settled } = useOf(books, window, atMs);
  return freesAtMs(books, window, atMs, held + settled + amount - limit);
}

/** When enough open holds will have met their deadlines. */
function slotAtMs(state: State, { of, limit, books, atMs }: Lane, hold: Hold): number {
  const deadlines = Object.values(state.holds)
    .filter((open) => of === "org" || (open.key === hold.key && open.isKeyBooked))
    .map((open) => open.expiresAtMs)
    .sort((one, other) => one - other);
  return deadlines[books.open - limit] ?? atMs;
}

/** Below the price of the request the money is less than 2^53 ÷ 10^6, so the products are exact. */
function tokensFor(remaining: number, { price, promptTokens }: Ask, completion: number): number {
  const { promptMicrosPerMTok, completionMicrosPerMTok } = price;
  if (costMicros(price, promptTokens, completion) <= remaining) return Infinity;
  const afterPrompt = remaining * 1_000_000 - promptMicrosPerMTok * promptTokens;
  if (afterPrompt < 0) return Math.floor((remaining * 1_000_000) / promptMicrosPerMTok);
  return promptTokens + Math.floor(afterPrompt / completionMicrosPerMTok);
}
