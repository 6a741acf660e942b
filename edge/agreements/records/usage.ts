import { z } from "zod";
import { usageBatchMax } from "../../limits.ts";
import { mapNames } from "../names.ts";
import { HoldId, NodeId, OrgId } from "../tokens/ids.ts";
import { ticketCharsMax } from "../tokens/ticket.ts";
import { countColumns } from "./usage-columns.ts";

const ttftMsMax = 86_400_000;

const Count = z.int().min(0).max(1_000_000_000);

/** How a call ended: the answer was whole, the caller left, or the origin died under it. */
export const Outcome = z.enum(["completed", "cancelled", "failed"]);
export type Outcome = z.infer<typeof Outcome>;

/** What a line of the bill says of its call's end, and what it said before 2026-11-29 (migration 0002). */
const renamed: Readonly<Record<string, string>> = {
  done: "completed",
  cut: "cancelled",
  broken: "failed",
  corrected: "adjusted",
};

/** Today's word for an end that was written down by an older version; any other word stays as it is. */
export function renameEnd(end: string): string {
  return Object.hasOwn(renamed, end) ? (renamed[end] ?? end) : end;
}

/** Records lie on a node's disk until they are acknowledged, so an older version may have written them. */
const RecordedOutcome = z.preprocess((end) => (typeof end === "string" ? renameEnd(end) : end), Outcome);

/**
 * What the agent counted for one hold. `isFinal` settles it; otherwise it is a checkpoint, which is charged if no final
 * record ever comes. `responseId` is the id that the caller saw (`chatcmpl-…`, `resp_…`, `msg_…`), null where
 * none was shown, as by Ollama's API. Times are Unix ms by the node's clock.
 */
export const UsageRecord = z.strictObject({
  hold: HoldId,
  org: OrgId,
  model: z.string(),
  isFinal: z.boolean(),
  ...mapNames(countColumns, () => Count),
  /** Records from before there were units have none. */
  units: Count.default(0),
  outcome: RecordedOutcome,
  responseId: z.string().max(128).nullable(),
  startedAtMs: z.int(),
  firstTokenAtMs: z.int().nullable(),
  endedAtMs: z.int(),
  /** What came with the call (tokens/ticket.ts); records from before there were tickets have none. */
  ticket: z.string().max(ticketCharsMax).optional(),
});
export type UsageRecord = z.infer<typeof UsageRecord>;

/**
 * How long after its call had come to the node its first token was there, in ms; null where none came. By one clock, so
 * that a wrong one is wrong twice; what it cannot have been is cut to a day.
 */
export function measureTtftMs({
  startedAtMs,
  firstTokenAtMs,
}: Pick<UsageRecord, "startedAtMs" | "firstTokenAtMs">): number | null {
  return firstTokenAtMs === null ? null : Math.min(Math.max(0, firstTokenAtMs - startedAtMs), ttftMsMax);
}

/** At most 64 records of one node; delivered at least once, so every receiver is idempotent by hold id. */
export const UsageBatch = z.strictObject({ node: NodeId, records: z.array(UsageRecord).min(1).max(usageBatchMax) });
export type UsageBatch = z.infer<typeof UsageBatch>;

/**
 * Part of the error object of the 503 that refuses a batch: the records of these holds were not taken, all others of
 * the batch were.
 */
export const Unacknowledged = z.object({ unacknowledged: z.array(HoldId).min(1).max(usageBatchMax) });
export type Unacknowledged = z.infer<typeof Unacknowledged>;

/** The body of that answer, as far as an agent reads it. Without `unacknowledged` the whole batch is sent again. */
export const UnacknowledgedAnswer = z.object({ error: Unacknowledged });
