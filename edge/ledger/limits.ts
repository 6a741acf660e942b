import type { KeyRecord } from "../agreements/records/key.ts";
import { computeCostMicros } from "../agreements/records/model.ts";
import type { KeyLimits } from "../agreements/records/quota.ts";
import { windowNames, windows, type WindowName, type WindowUnit } from "../agreements/records/windows.ts";
import type { WindowReport } from "../protocol/rate-headers.ts";
import { countsUntilMs, createCounters, freesAtMs, readUse } from "./counters.ts";
import type { HoldRequest, LimitOwner, Rates } from "./port.ts";
import type { Use } from "./windows.ts";
import {
  costHeld,
  nameOwner,
  findOwner,
  listOwners,
  tokensHeld,
  type Counters,
  type Hold,
  type State,
} from "./state.ts";

/**
 * The longest wait reported for what ends with a call (a slot, held tokens, an idempotency key in use): nobody knows
 * when that is, and mostly it is long before the call's deadline.
 */
export const retryMsMax = 1_000;

/**
 * One limit that a call has to pass: a window of its key, its project or its org, with its use and what is left at this
 * moment.
 */
export interface LimitCheck extends Use {
  of: LimitOwner;
  window: WindowName;
  unit: WindowUnit;
  limit: number;
  remaining: number;
  counters: Counters;
  atMs: number;
}

/** A limit that the call would exceed, what it needs of it, when it surely fits, and after how many ms to try again. */
export interface ExceededLimit {
  check: LimitCheck;
  need: number;
  opensAtMs: number;
  waitMs: number;
}

const noCounters = createCounters();

/**
 * Every limit on this key: the key's own, its project's, its org's. `remaining` is never below 0, though a limit may
 * have been lowered under what was used.
 */
export function listLimitChecks(state: State, key: KeyRecord, atMs: number): LimitCheck[] {
  const checks: LimitCheck[] = [];
  const { limits, project: id } = key;
  if (limits) addChecks(checks, { of: "key", limits, counters: state.counters[findOwner(key)] }, atMs);
  const project = id === undefined ? undefined : state.projects[id];
  if (project) addChecks(checks, { of: "project", limits: project.limits, counters: state.counters[project.id] }, atMs);
  if (state.org) addChecks(checks, { of: "org", limits: state.org.limits, counters: state.counters["org"] }, atMs);
  return checks;
}

/** Whose limits they are, and what counts against them. */
interface OwnedLimits {
  of: LimitOwner;
  limits: KeyLimits;
  counters: Counters | undefined;
}

function addChecks(checks: LimitCheck[], { of, limits, counters = noCounters }: OwnedLimits, atMs: number): void {
  for (const window of windowNames) {
    const limit = limits[window] ?? null;
    if (limit === null) continue;
    const { held, settled } = readUse(counters, window, atMs);
    const remaining = Math.max(0, limit - held - settled);
    const { unit } = windows[window];
    checks.push({ of, window, unit, limit, held, settled, remaining, counters, atMs });
  }
}

/**
 * Of the limits that this hold exceeds, the one with the longest wait (the first of equals); `null` when it fits all of
 * them. A limit smaller than the hold itself never opens: it comes before all others, and its opening is set one whole
 * window from now.
 */
export function findExceeded(state: State, checks: LimitCheck[], hold: Hold, now: number): ExceededLimit | null {
  let exceeded: ExceededLimit | null = null;
  for (const check of checks) {
    const need = readNeed(check, hold);
    if (need <= check.remaining) continue;
    const isNever = need > check.limit;
    const wholeMs = isNever ? (countsUntilMs(check.window, check.atMs) ?? hold.expiresAtMs) : null;
    const opensAtMs = wholeMs ?? (check.unit === "calls" ? slotAtMs(state, check, hold) : roomAtMs(check, need));
    const sureMs = Math.max(1, opensAtMs - now);
    const waitMs = endsWithCalls(check, need) ? Math.min(sureMs, retryMsMax) : sureMs;
    if (isNever) return { check, need, opensAtMs, waitMs };
    if (!exceeded || waitMs > exceeded.waitMs) exceeded = { check, need, opensAtMs, waitMs };
  }
  return exceeded;
}

/**
 * Only calls under way are in the way: slots, or a day's or month's tokens or money that they hold and may not use. A
 * request that is held is as good as spent; and what a sliding window holds slides out at a time that is known and
 * near, so whoever waits for it is not refused again.
 */
function endsWithCalls({ window, unit, limit, settled }: LimitCheck, need: number): boolean {
  if (unit === "calls") return true;
  return windows[window].kind === "calendar" && unit !== "requests" && settled + need <= limit;
}

/**
 * The largest number of completion tokens that fits, at least 1 and at most the requested number; the requested number
 * when nothing fits.
 */
export function clampCompletion(checks: LimitCheck[], request: HoldRequest): number {
  if (request.choices === 0) return request.completionTokens;
  const fitting = Math.floor((countFittingTokens(checks, request) - request.promptTokens) / request.choices);
  return fitting < 1 ? request.completionTokens : Math.min(request.completionTokens, fitting);
}

/** How many tokens every token and money window has room for. Money pays for the prompt first. */
export function countFittingTokens(checks: LimitCheck[], request: HoldRequest): number {
  const completion = request.choices * request.completionTokens;
  let fitting = Infinity;
  for (const { unit, remaining } of checks) {
    if (unit === "tokens") fitting = Math.min(fitting, remaining);
    if (unit === "money") fitting = Math.min(fitting, countAffordableTokens(remaining, request, completion));
  }
  return Math.min(fitting, Number.MAX_SAFE_INTEGER);
}

/**
 * The narrowest request window and token window, as they are (`hold` null) or as they will be once the hold is booked.
 */
export function reportRates(checks: LimitCheck[], hold: Hold | null, now: number): Rates {
  return { requests: findNarrowest(checks, "requests", hold, now), tokens: findNarrowest(checks, "tokens", hold, now) };
}

function findNarrowest(checks: LimitCheck[], unit: WindowUnit, hold: Hold | null, now: number): WindowReport | null {
  let found: LimitCheck | null = null;
  let remaining = Infinity;
  for (const check of checks) {
    if (check.unit !== unit) continue;
    const left = check.remaining - (hold ? readNeed(check, hold) : 0);
    if (left >= remaining) continue;
    remaining = left;
    found = check;
  }
  if (!found) return null;
  return { limit: found.limit, remaining, resetMs: (fullAtMs(found, hold) ?? now) - now };
}

/** A window that takes something now is full again when that has gone; one with nothing in it (null) is full. */
function fullAtMs({ counters, window, atMs, held, settled }: LimitCheck, hold: Hold | null): number | null {
  const until =
    hold && (windows[window].unit !== "tokens" || tokensHeld(hold) > 0) ? countsUntilMs(window, atMs) : null;
  if (until !== null) return until;
  return held + settled === 0 ? null : freesAtMs(counters, window, atMs, Infinity);
}

/** What a hold needs of a limit. */
export function readNeed({ unit }: Pick<LimitCheck, "unit">, hold: Hold): number {
  if (unit === "tokens") return tokensHeld(hold);
  return unit === "money" ? costHeld(hold) : 1;
}

/** Exact: enough has slid out, or the calendar has turned. */
function roomAtMs({ counters, window, atMs, limit, held, settled }: LimitCheck, amount: number): number {
  return freesAtMs(counters, window, atMs, held + settled + amount - limit);
}

/** When enough open holds will have met their deadlines. */
function slotAtMs(state: State, { of, limit, counters, atMs }: LimitCheck, hold: Hold): number {
  const owner = nameOwner(of, hold);
  const deadlines = Object.values(state.holds)
    .filter((open) => listOwners(open).includes(owner))
    .map((open) => open.expiresAtMs)
    .sort((one, other) => one - other);
  return deadlines[counters.open - limit] ?? atMs;
}

/** Below the price of the request the money is less than 2^53 ÷ 10^6, so the products are exact. */
function countAffordableTokens(remaining: number, { price, promptTokens }: HoldRequest, completion: number): number {
  const { promptMicrosPerMTok, completionMicrosPerMTok } = price;
  if (computeCostMicros(price, promptTokens, completion) <= remaining) return Infinity;
  const afterPrompt = remaining * 1_000_000 - promptMicrosPerMTok * promptTokens;
  if (afterPrompt < 0) return Math.floor((remaining * 1_000_000) / promptMicrosPerMTok);
  return promptTokens + Math.floor(afterPrompt / completionMicrosPerMTok);
}
