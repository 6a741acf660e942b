import { bodyDigest } from "../agreements/digest.ts";
import type { HoldId, OrgId } from "../agreements/ids.ts";
import type { Tier } from "../agreements/model.ts";
import type { NodeRecord } from "../agreements/node.ts";
import { Refusal } from "../errors.ts";
import { attemptsMax } from "../limits.ts";
import type { Call } from "../protocol/call.ts";
import type { Visit } from "../visit.ts";
import { attempt, type AttemptWatch } from "./attempt.ts";
import type { RetryBudget } from "./budget.ts";
import { signHop, type HopKey, type HopTerms } from "./hop.ts";

export { answerStream, answerWhole } from "./answer.ts";
export { openRetryBudget, type RetryBudget } from "./budget.ts";
export type { HopKey } from "./hop.ts";

/** What forwarding needs from outside: a key to sign with, a budget for retries, and someone who watches how nodes answer. */
export interface Origin {
  hopKey: HopKey;
  budget: RetryBudget;
  watch: AttemptWatch;
}

/** What the org's ledger has set aside for this call. */
export interface Reserved {
  org: OrgId;
  hold: HoldId;
  tier: Tier;
  tokensHeld: number;
  completionTokens: number;
}

/** An answer that has begun, the node it comes from, and what to do when it is over. */
export interface Answer {
  response: Response;
  servedBy: Tier;
  ended(): void;
}

/**
 * Tries nodes in order until one begins to answer: at most three, within the retry budget, and never again once a byte came back (F3). Throws the
 * Refusal of the last one otherwise; without any node `no_healthy_backends`, at once.
 */
export async function forward(visit: Visit, call: Call, reserved: Reserved, nodes: NodeRecord[], origin: Origin, signal: AbortSignal): Promise<Answer> {
  const body = new TextEncoder().encode(JSON.stringify({ ...call.body, ...clamped(call, reserved) }));
  const bodySha256 = await bodyDigest(body);
  origin.budget.called(visit.now());
  let refusal = new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: "no eligible node" });
  for (const [index, node] of nodes.slice(0, attemptsMax).entries()) {
    if (index > 0 && !origin.budget.takeRetry(visit.now())) break;
    const hop = await signHop(termsOf(call, reserved, node, index + 1, bodySha256), origin.hopKey, visit);
    const tried = await attempt(node, { path: call.path, hop, body }, origin.watch, visit, signal);
    if (tried.kind === "answer") {
      return { response: tried.response, servedBy: node.tier, ended: () => origin.watch.ended(node.id) };
    }
    visit.log("attempt_failed", { node: node.id, attempt: index + 1, code: tried.refusal.code, why: tried.refusal.message });
    refusal = tried.refusal;
    if (!tried.mayRetry || signal.aborted) break;
  }
  throw refusal;
}

/** Asks a node how many tokens the prompt has (`/tokenize`); null when it cannot say, or when the call holds several prompts. */
export async function countPrompt(visit: Visit, call: Call, reserved: Reserved, node: NodeRecord | undefined, origin: Origin): Promise<number | null> {
  const { model, messages, prompt, tools } = call.body;
  if (!node || (messages === undefined && typeof prompt !== "string")) return null;
  const question = messages === undefined ? { model, prompt } : { model, messages, tools };
  const body = new TextEncoder().encode(JSON.stringify(question));
  const hop = await signHop(termsOf(call, reserved, node, 1, await bodyDigest(body)), origin.hopKey, visit);
  const tried = await attempt(node, { path: "/tokenize", hop, body }, origin.watch, visit, AbortSignal.timeout(2_000));
  if (tried.kind !== "answer") return null;
  const answer: unknown = await tried.response.json().catch(() => null);
  origin.watch.ended(node.id);
  const count = typeof answer === "object" && answer !== null && "count" in answer ? answer.count : null;
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : null;
}

function termsOf(call: Call, reserved: Reserved, node: NodeRecord, number: number, bodySha256: string): HopTerms {
  return {
    aud: node.id,
    org: reserved.org,
    hold: reserved.hold,
    attempt: number,
    endpoint: call.endpoint,
    model: call.model.id,
    tier: reserved.tier,
    tokensHeld: reserved.tokensHeld,
    completionTokensMax: reserved.completionTokens,
    isDefaultMax: call.isDefaultMax,
    deadlineMs: call.deadlineMs,
    bodySha256,
  };
}

/** A grant may be smaller than the ask, if the caller allowed that. */
function clamped(call: Call, reserved: Reserved): Record<string, number> {
  return reserved.completionTokens < call.completionTokens ? { max_tokens: reserved.completionTokens } : {};
}
