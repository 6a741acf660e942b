import { mapNames } from "../agreements/names.ts";
import { tokenColumns } from "../agreements/records/usage-columns.ts";
import { computeCostMicros } from "../agreements/records/model.ts";
import type { UsageRecord } from "../agreements/records/usage.ts";
import { abandonMs } from "../limits.ts";
import type { Settlement, UsageEnd } from "./port.ts";
import type { Change, Closing, Ended, Hold, State, Usage } from "./state.ts";

/** What becomes of a record or a release, and the change that makes it so; `null` when nothing changes. */
export interface SettlementOutcome {
  result: Settlement["result"];
  change: Change | null;
}

/**
 * What one record of an agent does. A checkpoint raises what expiry would charge, never lowers it. A final record ends
 * the hold and is charged, part by part, at most what was held and at least its last checkpoint: those tokens have been
 * seen. After expiry a node's last word books, once, what expiry left out.
 */
export function settle(state: State, record: UsageRecord, ended: Ended | null, now: number): SettlementOutcome {
  const hold = state.holds[record.hold];
  if (!hold) return settleLate(state, record, ended, now);
  const usage = raiseUsage(hold, hold.checkpoint, record);
  if (!record.isFinal)
    return { result: "checkpointed", change: { kind: "checkpointed", hold: { ...hold, checkpoint: usage } } };
  return {
    result: "settled",
    change: close(state, { hold, end: record.outcome, charged: usage, endedAtMs: record.endedAtMs }, now),
  };
}

/**
 * Gives back a hold whose call never ran. When a checkpoint shows that it did run, the checkpoint is charged and the
 * call counts as failed: generated tokens are billed (Q4). While a node may still be at work, the hold does not end but
 * gets a near deadline.
 */
export function release(
  state: State,
  { hold, ended, mayRun }: { hold: Hold | null; ended: Ended | null; mayRun: boolean },
  now: number,
): SettlementOutcome {
  if (!hold) return { result: ended ? "repeated" : "unknown", change: null };
  if (mayRun) {
    const expiresAtMs = Math.min(hold.expiresAtMs, Math.max(now, state.atMs) + abandonMs);
    return { result: "checkpointed", change: { kind: "checkpointed", hold: { ...hold, expiresAtMs } } };
  }
  if (hold.checkpoint && hold.checkpoint.completionTokens > 0)
    return {
      result: "settled",
      change: close(state, { hold, end: "failed", charged: hold.checkpoint, endedAtMs: now }, now),
    };
  return { result: "released", change: close(state, { hold, end: "released", charged: nothing, endedAtMs: now }, now) };
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

const nothing: Usage = { ...mapNames(tokenColumns, () => 0), responseId: null };

function settleLate(state: State, record: UsageRecord, ended: Ended | null, now: number): SettlementOutcome {
  if (!ended) return { result: "unknown", change: null };
  const { hold, closing, isAdjusted } = ended;
  if (closing.end !== "expired" || isAdjusted || !isLastWord(record)) return { result: "repeated", change: null };
  const { charged } = closing;
  const whole = raiseUsage(hold, charged, record);
  const rest: Usage = {
    ...mapNames(tokenColumns, (name) => whole[name] - charged[name]),
    responseId: whole.responseId,
  };
  const late = makeClosing(state, { hold, end: "adjusted", charged: rest, endedAtMs: record.endedAtMs }, now);
  // The price of the whole less what was charged, so that two rows cost what one would have.
  late.costMicros = computeCostMicros(hold.price, whole.promptTokens, whole.completionTokens) - closing.costMicros;
  return { result: "adjusted", change: { kind: "late", hold, closing: late } };
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
}

function close(state: State, ending: HoldEnding, now: number): Change {
  return { kind: "closed", hold: ending.hold, closing: makeClosing(state, ending, now) };
}

/** A node's clock may be wrong: a call ended neither before it was admitted nor after now. */
function makeClosing(state: State, { hold, end, charged, endedAtMs }: HoldEnding, now: number): Closing {
  const atMs = Math.max(now, state.atMs);
  const cost = computeCostMicros(hold.price, charged.promptTokens, charged.completionTokens);
  return {
    hold: hold.id,
    end,
    charged,
    costMicros: cost,
    atMs,
    endedAtMs: Math.min(Math.max(endedAtMs, hold.admittedAtMs), atMs),
  };
}

/** Part by part the greater of the known and the reported usage, cut to what was held (Q4). */
function raiseUsage(hold: Hold, known: Usage | null, reported: UsageRecord): Usage {
  const promptTokens = Math.max(known?.promptTokens ?? 0, Math.min(reported.promptTokens, hold.promptTokens));
  const cachedTokens = Math.max(known?.cachedTokens ?? 0, Math.min(reported.cachedTokens, promptTokens));
  const completionTokens = Math.max(
    known?.completionTokens ?? 0,
    Math.min(reported.completionTokens, hold.choices * hold.completionTokens),
  );
  return { promptTokens, cachedTokens, completionTokens, responseId: reported.responseId ?? known?.responseId ?? null };
}
