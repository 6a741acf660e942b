import { usageBatchMax } from "../../limits.ts";
import { isObject, type JsonObject } from "../json.ts";
import { mapNames } from "../names.ts";
import { isHoldId, isNodeId, isOrgId } from "../tokens/ids.ts";
import { Outcome, UsageBatch, UsageRecord } from "./usage.ts";
import { countColumns } from "./usage-columns.ts";
import { ticketCharsMax } from "../tokens/ticket.ts";

type RecordTest = (value: unknown) => boolean;

const isText: RecordTest = (value) => typeof value === "string";
const isTime: RecordTest = (value) => Number.isSafeInteger(value);
/** The schema takes -0 as well; ledgers do not, so what has one is looked at by both. */
const isCount: RecordTest = (value) =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= 1_000_000_000 && !Object.is(value, -0);
const outcomes: ReadonlySet<unknown> = new Set(Outcome.options);

/** What records are made of today. Each says yes to nothing that the same member of `UsageRecord` refuses. */
const members: Readonly<Record<keyof UsageRecord, RecordTest>> = {
  hold: isHoldId,
  org: isOrgId,
  model: isText,
  isFinal: (value) => typeof value === "boolean",
  ...mapNames(countColumns, () => isCount),
  outcome: (value) => outcomes.has(value),
  responseId: (value) => value === null || (typeof value === "string" && value.length <= 128),
  startedAtMs: isTime,
  firstTokenAtMs: (value) => value === null || isTime(value),
  endedAtMs: isTime,
  ticket: (value) => value === undefined || (typeof value === "string" && value.length <= ticketCharsMax),
};
const neededCount = Object.keys(members).length - 1;
const isMember = (name: string): name is keyof UsageRecord => Object.hasOwn(members, name);

/**
 * Reads a record as `UsageRecord` does, at a fraction of the cost where it is as today's agents write it; the schema
 * decides of everything else, and names what is at fault. What is right comes back as it is, or in today's words.
 */
export function readUsageRecord(reported: unknown): ReturnType<typeof UsageRecord.safeParse> {
  return isPlainRecord(reported) ? { success: true, data: reported } : UsageRecord.safeParse(reported);
}

/** Reads a batch as `UsageBatch` does, by the same short way; null for what is none. */
export function readUsageBatch(json: unknown): UsageBatch | null {
  return isObject(json) && isPlainBatch(json) ? json : (UsageBatch.safeParse(json).data ?? null);
}

function isPlainBatch(json: JsonObject): json is JsonObject & UsageBatch {
  for (const name in json) if (name !== "node" && name !== "records") return false;
  const { node, records } = json;
  if (!isNodeId(node) || !Array.isArray(records)) return false;
  return records.length >= 1 && records.length <= usageBatchMax && records.every(isPlainRecord);
}

function isPlainRecord(reported: unknown): reported is UsageRecord {
  if (!isObject(reported)) return false;
  let count = 0;
  for (const name in reported) {
    if (!isMember(name) || !members[name](reported[name])) return false;
    if (name !== "ticket") count++;
  }
  return count === neededCount;
}
