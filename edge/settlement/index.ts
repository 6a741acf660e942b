import { digestBody } from "../agreements/digest.ts";
import type { NodeId, OrgId } from "../agreements/tokens/ids.ts";
import { findAgeFault } from "../agreements/tokens/mac-token.ts";
import type { FindNodeKeys } from "../agreements/tokens/node-keys.ts";
import { readNamedNode, verifyNodeToken, type NodeClaims } from "../agreements/tokens/node-token.ts";
import type { Tickets } from "../agreements/tokens/ticket.ts";
import { readUsageBatch } from "../agreements/records/plain-usage.ts";
import { Heartbeat } from "../agreements/records/node.ts";
import type { UsageBatch, Unacknowledged, UsageRecord } from "../agreements/records/usage.ts";
import { Refusal } from "../errors.ts";
import { usageBodyBytesMax } from "../limits.ts";
import { readBytes } from "../protocol/bytes.ts";
import type { Visit } from "../visit.ts";
import type { SettledRecord } from "../ledger/port.ts";
import type { Settler } from "./port.ts";

/** The results of a batch, counted by kind. Once this is answered with 200 the agent may drop the batch. */
export type SettlementCounts = Record<string, number>;

/**
 * Takes a batch of usage from a node and settles each hold with its org's ledger. A record whose hold was not sent to
 * this node is not settled: it is counted as `refused`, and named in the log. If any ledger is unavailable the
 * batch is refused (503) and `unacknowledged` names the holds to send again; the others are settled. Sending all of it
 * again does no harm: settling is idempotent by hold id.
 */
export async function takeUsage(
  visit: Visit,
  findKeys: FindNodeKeys,
  ledger: Settler,
  tickets: Pick<Tickets, "verify">,
): Promise<SettlementCounts> {
  const { node, json } = await readSigned(visit, findKeys);
  const batch = readUsageBatch(json);
  if (batch?.node !== node) throw new Refusal("invalid_value", { log: "malformed usage batch" });
  const { records, refused } = selectOwn(visit, batch, tickets);
  const byOrg = new Map<OrgId, SettledRecord[]>();
  for (const record of records) byOrg.set(record.org, [...(byOrg.get(record.org) ?? []), record]);
  const batches = Array.from(byOrg, ([org, records]) => ({ org, records }));
  const answers = batches.length > 0 ? await ledger.settleAll(batches) : [];
  const counts: SettlementCounts = refused > 0 ? { refused } : {};
  for (const [index, answer] of answers.entries()) {
    if (answer.status === "rejected") continue;
    for (const { result } of answer.value) counts[result] = (counts[result] ?? 0) + 1;
    logOverHolds(visit, batches[index]?.records ?? [], answer.value);
  }
  const failed = batches.filter((_, index) => answers[index]?.status !== "fulfilled");
  if (failed.length > 0)
    throw refuseUnreachable(failed, batches.length, answers.find((answer) => answer.status === "rejected")?.reason);
  return counts;
}

/** A prompt's bound was none: that is our mistake, and whoever reads the log must see it. */
function logOverHolds(visit: Visit, records: UsageRecord[], settlements: { result: string }[]): void {
  for (const [index, { org, model, hold, promptTokens }] of records.entries()) {
    if (settlements[index]?.result === "over_hold")
      visit.log("prompt_over_hold", { org, model, hold, counted: promptTokens });
  }
}

/** The records of holds that were sent to this node, with what their tickets say of them; how many others. */
function selectOwn(visit: Visit, { node, records }: UsageBatch, tickets: Pick<Tickets, "verify">) {
  const own = records.flatMap(({ ticket, ...record }): SettledRecord[] => {
    const shown = tickets.verify(ticket, { hold: record.hold, node });
    if (shown) return [shown.leased ? { ...record, leased: shown.leased } : record];
    visit.log("usage_refused", { node, hold: record.hold, ticket: ticket === undefined ? "missing" : "wrong" });
    return [];
  });
  return { records: own, refused: records.length - own.length };
}

function refuseUnreachable(failed: { org: OrgId; records: UsageRecord[] }[], ledgers: number, cause: unknown): Refusal {
  const unacknowledged = new Set(failed.flatMap(({ records }) => records.map(({ hold }) => hold)));
  return new Refusal("quota_unavailable", {
    message: "Ledgers are out of reach: send the records of the holds named in 'unacknowledged' again.",
    retryAfterMs: 1_000,
    extra: { unacknowledged: Array.from(unacknowledged) } satisfies Unacknowledged,
    log: `${failed.length} of ${ledgers} ledgers out of reach while settling, that of ${failed[0]?.org} first`,
    cause,
  });
}

/** Takes a node's heartbeat; a node may report for itself only. */
export async function takeHeartbeat(visit: Visit, findKeys: FindNodeKeys): Promise<Heartbeat> {
  const { node, json } = await readSigned(visit, findKeys);
  const heartbeat = Heartbeat.safeParse(json);
  if (!heartbeat.success || heartbeat.data.node !== node)
    throw new Refusal("invalid_value", { log: "malformed heartbeat" });
  return heartbeat.data;
}

/**
 * Verifies that a known node signed the body within the last minute: the token first, so that nobody else's body is
 * read. Replays are harmless: both uses are idempotent.
 */
async function readSigned(visit: Visit, findKeys: FindNodeKeys): Promise<{ node: NodeId; json: unknown }> {
  const token = visit.request.headers.get("authorization")?.match(/^Bearer (\S+)$/)?.[1] ?? "";
  const { node, bodySha256 } = verify(token, findKeys, visit.now());
  const sender = { org: node, key: node };
  const bytes = await readBytes(visit.request, { bytesMax: usageBodyBytesMax, sender });
  if (bodySha256 !== digestBody(bytes)) throw new Refusal("invalid_api_key", { log: "node token is for another body" });
  try {
    return { node, json: JSON.parse(new TextDecoder().decode(bytes)) };
  } catch (cause) {
    throw new Refusal("invalid_json", { cause });
  }
}

function verify(token: string, findKeys: FindNodeKeys, nowMs: number): NodeClaims {
  const named = readNamedNode(token);
  const keys = named === null ? null : findKeys(named);
  if (!keys) throw new Refusal("invalid_api_key", { log: "token of no known node" });
  const claims = verifyNodeToken(token, keys.node);
  if (!claims) throw new Refusal("invalid_api_key", { log: `token of ${named} does not verify` });
  const fault = findAgeFault(claims.issuedAtMs, nowMs);
  if (fault) throw new Refusal("invalid_api_key", { log: `token of ${named} is not of this minute: ${fault}` });
  return claims;
}
