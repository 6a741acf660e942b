import { UnacknowledgedAnswer, type UsageBatch, type UsageRecord } from "#edge/agreements/records/usage.ts";
import { nodePaths } from "#edge/agreements/paths.ts";
import type { Log } from "../log.ts";
import { postSigned, type EdgeConnection } from "../report/sign.ts";
import type { UsageLog } from "./usage-log.ts";

/** The edge, and the node that reports to it. */
export interface DeliveryOptions extends EdgeConnection {
  node: string;
  log: Log;
}

/**
 * What became of a batch: `later` when nothing is known, so all of it is sent again; else the records that the edge
 * could not take, all others being with it.
 */
export type Delivery = "later" | UsageRecord[];

const postMsMax = 10_000;
/**
 * The edge read the batch and will never take it. Any other status but 2xx may change, so the batch is sent again until
 * it does.
 */
const refusedStatuses = new Set([400, 413, 415, 422]);

/**
 * Sends one batch. When the edge refuses it, sends its halves, so that one bad record is found and set aside while the
 * others go through.
 */
export async function deliver(
  records: UsageRecord[],
  options: DeliveryOptions,
  usageLog: Pick<UsageLog, "setAside">,
): Promise<Delivery> {
  const delivery = await post(records, options);
  if (delivery !== "refused") return delivery;
  if (records.length === 1) {
    options.log("usage_record_refused", { hold: records[0]?.hold ?? null });
    usageLog.setAside(records);
    return [];
  }
  const half = Math.ceil(records.length / 2);
  const first = await deliver(records.slice(0, half), options, usageLog);
  if (first === "later") return "later";
  const second = await deliver(records.slice(half), options, usageLog);
  return second === "later" ? "later" : [...first, ...second];
}

async function post(records: UsageRecord[], options: DeliveryOptions): Promise<Delivery | "refused"> {
  const body = JSON.stringify({ node: options.node, records } satisfies UsageBatch);
  const { status, cause, json } = await postSigned(options, nodePaths.usage, body, postMsMax);
  if (cause === null && isReceipt(json, records.length)) {
    // Refused for good: the edge's log says which. Sent again they would be refused again.
    if ("refused" in json) options.log("usage_refused", { records: json["refused"] ?? 0 });
    return [];
  }
  const unacknowledged = selectUnacknowledged(json, records);
  options.log("usage_unacknowledged", {
    cause: cause ?? "no receipt",
    records: unacknowledged?.length ?? records.length,
  });
  if (unacknowledged) return unacknowledged;
  return status !== null && refusedStatuses.has(status) ? "refused" : "later";
}

/** The records that the edge's answer names as not taken; null when it names none of these. */
function selectUnacknowledged(body: unknown, records: UsageRecord[]): UsageRecord[] | null {
  const holds = new Set(UnacknowledgedAnswer.safeParse(body).data?.error.unacknowledged);
  const unacknowledged = records.filter(({ hold }) => holds.has(hold));
  return unacknowledged.length > 0 ? unacknowledged : null;
}

/**
 * True for the edge's answer to a batch it has taken: how many records came to what, adding up to the whole batch. A
 * 200 from anything else on the way, such as a login page, is no receipt.
 */
function isReceipt(body: unknown, records: number): body is Record<string, number> {
  const counts: unknown[] = typeof body === "object" && body !== null ? Object.values(body) : [];
  return counts.reduce((sum: number, count) => sum + (typeof count === "number" ? count : Number.NaN), 0) === records;
}
