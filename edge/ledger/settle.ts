import { mapNames } from "../agreements/names.ts";
import { countColumns } from "../agreements/records/usage-columns.ts";
import { computeCostMicros } from "../agreements/records/model.ts";
import { measureTtftMs, type UsageRecord } from "../agreements/records/usage.ts";
import type { HoldId } from "../agreements/tokens/ids.ts";
import type { LeasedTerms } from "../agreements/tokens/lease.ts";
import { abandonMs, endedRetentionMs } from "../limits.ts";
import { coversHold, makeLeasedHold } from "./leases/lease.ts";
import type { SettledRecord, Settlement, UsageEnd } from "./port.ts";
import { tokensHeld, type Change, type Closing, type Ended, type Hold, type State, type Usage } from "./state.ts";

/** What becomes of a record or a release, and the changes that make it so, in order; none when nothing changes. */
export interface SettlementOutcome {
  result: Settlement["result"];
  changes: Change[];
}

/**
 * What one record of an agent does. A checkpoint raises what expiry would charge, never lowers it. A final record ends
 * the hold and is charged, part by part, at most what was held and at least its last checkpoint: those tokens have been
 * seen. After expiry a node's last word books, once, what expiry left out. Of a prompt that was longer than its bound
 * the rest is a line of its own, as what comes late is, and there is one such line a hold.
 */
export function settle(state: State, record: SettledRecord, ended: Ended | null, now: number): SettlementOutcome {
  const hold = state.holds[record.hold];
  if (hold) return settleHold(state, hold, record, now);
  if (ended || !record.leased) return settleLate(state, record, ended, now);
  const opened = openLeased(state, record.hold, record.leased, now);
  if (!opened) return settleSwept(state, { record, terms: record.leased }, now);
  const { result, changes } = settleHold(state, opened.hold, record, now);
  return { result, changes: [opened, ...changes] };
}

function settleHold(state: State, hold: Hold, record: UsageRecord, now: number): SettlementOutcome {
  const usage = raiseUsage(hold, hold.checkpoint, record);
  if (!record.isFinal)
    return { result: "checkpointed", changes: [{ kind: "checkpointed", hold: { ...hold, checkpoint: usage } }] };
  const ended = { endedAtMs: record.endedAtMs, ttftMs: measureTtftMs(record) };
  const closed = close(state, { hold, end: record.outcome, charged: usage, ...ended }, now);
  const overTokens = countOver(hold, record);
  if (overTokens === 0) return { result: "settled", changes: [closed] };
  const whole = { ...usage, promptTokens: usage.promptTokens + overTokens };
  return { result: "over_hold", changes: [closed, adjust(state, { hold, whole, charged: usage, record }, now)] };
}

/** A hold that is given back: open, or ended, or of a call under a lease, of which the ledger may not have heard. */
export interface HoldRelease {
  hold: Hold | null;
  ended: Ended | null;
  mayRun: boolean;
  leased?: { hold: HoldId; terms: LeasedTerms } | null;
}

/**
 * Gives back a hold whose call never ran. When a checkpoint shows that it did run, the checkpoint is charged and the
 * call counts as failed: generated tokens are billed (Q4). While a node may still be at work, the hold does not end but
 * gets a near deadline.
 */
export function release(state: State, ending: HoldRelease, now: number): SettlementOutcome {
  const { hold, ended, mayRun, leased } = ending;
  if (!hold && !ended && leased) {
    const opened = openLeased(state, leased.hold, leased.terms, now);
    if (!opened) return { result: "unknown", changes: [] };
    const { result, changes } = release(state, { ...ending, hold: opened.hold }, now);
    return { result, changes: [opened, ...changes] };
  }
  if (!hold) return { result: ended ? "repeated" : "unknown", changes: [] };
  if (mayRun) {
    const expiresAtMs = Math.min(hold.expiresAtMs, Math.max(now, state.atMs) + abandonMs);
    return { result: "checkpointed", changes: [{ kind: "checkpointed", hold: { ...hold, expiresAtMs } }] };
  }
  if (hold.checkpoint && hold.checkpoint.completionTokens > 0)
    return {
      result: "settled",
      changes: [close(state, { hold, end: "failed", charged: hold.checkpoint, endedAtMs: now }, now)],
    };
  const released = close(state, { hold, end: "released", charged: nothing, endedAtMs: now }, now);
  return { result: "released", changes: [released] };
}

/** Every hold whose deadline has come, charged its last checkpoint, oldest deadline first. */
export function expire(state: State, now: number): Change[] {
  const atMs = Math.max(now, state.atMs);
  return Object.values(state.holds)
    .filter((hold) => hold.expiresAtMs <= atMs)
    .sort((one, other) => one.expiresAtMs - other.expiresAtMs)
    .map((hold) => close(state, { hold, end: "expired", charged: hold.checkpoint ?? nothing, endedAtMs: now }, now));
}

/** The next deadline of an open hold; `Infinity` when none is open. */
export function nextDeadlineMs(state: State): number {
  let next = Infinity;
  for (const id in state.holds) next = Math.min(next, state.holds[id]?.expiresAtMs ?? Infinity);
  return next;
}

/** The hold of a call under a lease of which the ledger hears for the first time; `null` when no lease covers it. */
function openLeased(state: State, id: HoldId, terms: LeasedTerms, now: number) {
  const lease = state.leases[terms.lease];
  if (!lease) return null;
  const hold = makeLeasedHold(id, terms, { lease, nowMs: Math.max(now, state.atMs) });
  return coversHold(lease, hold) ? ({ kind: "opened", hold } as const) : null;
}

/**
 * A call whose lease is gone: what was held for it went back, so its last word is booked as what comes late is. Not
 * when it is older than ended holds are remembered: it may have been booked before.
 */
function settleSwept(
  state: State,
  { record, terms }: { record: UsageRecord; terms: LeasedTerms },
  now: number,
): SettlementOutcome {
  const nowMs = Math.max(now, state.atMs);
  if (!isLastWord(record) || terms.admittedAtMs <= nowMs - endedRetentionMs) return { result: "unknown", changes: [] };
  const hold = makeLeasedHold(record.hold, terms, { lease: null, nowMs });
  const whole = raiseUsage(hold, null, record);
  return { result: "adjusted", changes: [adjust(state, { hold, whole, charged: nothing, record }, now)] };
}

const nothing: Usage = { ...mapNames(countColumns, () => 0), responseId: null };

function settleLate(state: State, record: SettledRecord, ended: Ended | null, now: number): SettlementOutcome {
  if (!ended) return { result: "unknown", changes: [] };
  const { hold, closing, isAdjusted } = ended;
  if (closing.end !== "expired" || isAdjusted || !isLastWord(record)) return { result: "repeated", changes: [] };
  const { charged } = closing;
  const usage = raiseUsage(hold, charged, record);
  const overTokens = countOver(hold, record);
  const whole = { ...usage, promptTokens: usage.promptTokens + overTokens };
  const late = adjust(state, { hold, whole, charged, record }, now);
  return { result: overTokens > 0 ? "over_hold" : "adjusted", changes: [late] };
}

/** What a hold was charged, and what it should have been. */
interface Adjustment {
  hold: Hold;
  whole: Usage;
  charged: Usage;
  record: UsageRecord;
}

/** The line for the rest. It costs the price of the whole less what was charged: two lines cost what one would have. */
function adjust(state: State, { hold, whole, charged, record }: Adjustment, now: number): Change {
  const rest: Usage = {
    ...mapNames(countColumns, (name) => (whole[name] ?? 0) - (charged[name] ?? 0)),
    responseId: whole.responseId,
  };
  const late = makeClosing(state, { hold, end: "adjusted", charged: rest, endedAtMs: record.endedAtMs }, now);
  late.costMicros = priceUsage(hold, whole) - priceUsage(hold, charged);
  return { kind: "late", hold, closing: late };
}

/**
 * Prompt tokens beyond what was held, though the bound should have been one: at most the hold again, and none where the
 * price of it all would no longer be exact.
 */
function countOver(hold: Hold, { promptTokens }: UsageRecord): number {
  const overTokens = Math.min(promptTokens - hold.promptTokens, tokensHeld(hold));
  if (overTokens <= 0) return 0;
  const { promptMicrosPerMTok, completionMicrosPerMTok } = hold.price;
  const completion = completionMicrosPerMTok * hold.choices * hold.completionTokens;
  return Number.isSafeInteger(promptMicrosPerMTok * (hold.promptTokens + overTokens) + completion) ? overTokens : 0;
}

function priceUsage({ price }: Hold, { promptTokens, completionTokens, cachedTokens }: Usage): number {
  return computeCostMicros(price, promptTokens, completionTokens, cachedTokens);
}

/**
 * A final record; or the checkpoint of a call that was given up before its answer began, behind which its node has
 * nothing more to say. Checkpoints on the way bear another outcome (origin/calls/stream/pass-call.ts).
 */
function isLastWord({ isFinal, outcome }: UsageRecord): boolean {
  return isFinal || outcome === "cancelled";
}

/** The end of a hold, as it was reported. */
interface HoldEnding {
  hold: Hold;
  end: UsageEnd | "released";
  charged: Usage;
  endedAtMs: number;
  ttftMs?: number | null;
}

function close(state: State, ending: HoldEnding, now: number): Change {
  return { kind: "closed", hold: ending.hold, closing: makeClosing(state, ending, now) };
}

/** A node's clock may be wrong: a call ended neither before it was admitted nor after now. */
function makeClosing(state: State, ending: HoldEnding, now: number): Closing {
  const { hold, end, charged, endedAtMs, ttftMs = null } = ending;
  const atMs = Math.max(now, state.atMs);
  return {
    hold: hold.id,
    end,
    charged,
    costMicros: priceUsage(hold, charged),
    atMs,
    endedAtMs: Math.min(Math.max(endedAtMs, hold.admittedAtMs), atMs),
    ...(ttftMs !== null && { ttftMs }),
  };
}

/**
 * Part by part the greater of the known and the reported usage, cut to what was held (Q4). Units cost nothing by
 * themselves: what they cost is in the tokens that they count as.
 */
function raiseUsage(hold: Hold, known: Usage | null, reported: UsageRecord): Usage {
  const promptTokens = Math.max(known?.promptTokens ?? 0, Math.min(reported.promptTokens, hold.promptTokens));
  const cachedTokens = Math.max(known?.cachedTokens ?? 0, Math.min(reported.cachedTokens, promptTokens));
  const completionTokens = Math.max(
    known?.completionTokens ?? 0,
    Math.min(reported.completionTokens, hold.choices * hold.completionTokens),
  );
  const units = Math.max(known?.units ?? 0, reported.units);
  const responseId = reported.responseId ?? known?.responseId ?? null;
  return { promptTokens, cachedTokens, completionTokens, units, responseId };
}
