import { digestBody } from "../agreements/digest.ts";
import { parseObject } from "../agreements/json.ts";
import type { HoldId, OrgId } from "../agreements/tokens/ids.ts";
import type { Tier } from "../agreements/records/model.ts";
import type { NodeRecord } from "../agreements/records/node.ts";
import { Refusal } from "../errors.ts";
import type { AttemptObserver } from "../fleet/port.ts";
import { answerGraceMs, attemptsMax, callMsMax, streamHeadersMsMax } from "../limits.ts";
import type { Call } from "../protocol/openai/call.ts";
import { describeTimeout } from "../protocol/openai/timeout.ts";
import type { Visit } from "../visit.ts";
import { attempt } from "./attempt.ts";
import type { RetryBudget } from "./budget.ts";
import type { Answer, NoAnswer } from "./outcome.ts";
import { signHop, type HopKey, type HopTerms } from "./hop.ts";

export { answerStream, answerWhole } from "./answer.ts";
export { openRetryBudget, type RetryBudget } from "./budget.ts";
export type { Answer, NoAnswer } from "./outcome.ts";
export { openHopKey, type HopKey } from "./hop.ts";

/**
 * What forwarding needs from outside: a key to sign with, a budget for retries, and an observer of the nodes' answers.
 */
export interface Origin {
  hopKey: HopKey;
  budget: RetryBudget;
  observer: AttemptObserver;
}

/** What the org's ledger holds for this call. */
export interface Reserved {
  org: OrgId;
  hold: HoldId;
  tier: Tier;
  tokensHeld: number;
  completionTokens: number;
}

/** A call, what is held for it, the nodes to try, best first, and a signal for when its caller has left. */
export interface HeldCall {
  call: Call;
  reserved: Reserved;
  nodes: NodeRecord[];
  signal: AbortSignal;
}

/**
 * Tries nodes in order until one begins to answer: at most three, within the retry budget, and never again once a byte
 * has come back (F3). Otherwise returns the last refusal; with no node at all `no_healthy_backends`, at once.
 */
export async function forward(visit: Visit, held: HeldCall, origin: Origin): Promise<Answer | NoAnswer> {
  const { call, reserved, nodes, signal } = held;
  const body = new TextEncoder().encode(JSON.stringify({ ...call.body, ...clampTokens(call, reserved) }));
  const bodySha256 = digestBody(body);
  origin.budget.countCall(visit.now());
  const contentType = call.isStream ? "text/event-stream" : "application/json";
  const terms = {
    headersMsMax: call.isStream ? streamHeadersMsMax : callMsMax,
    deadlineMs: call.deadlineMs,
    endMs: call.deadlineMs + answerGraceMs,
    contentType,
    signal,
  } as const;
  const failure: Omit<NoAnswer, "refusal"> & { refusal: Refusal | null } = { kind: "no", mayRun: false, refusal: null };
  for (const [index, node] of nodes.slice(0, attemptsMax).entries()) {
    if (index > 0 && !origin.budget.takeRetry(visit.now())) break;
    const hop = signHop(buildHopTerms(held, node, index + 1, bodySha256), origin.hopKey, visit);
    const tried = await attempt(node, { path: call.path, hop, body, ...terms }, origin.observer, visit);
    if (tried.kind === "answer") {
      const { response, isLate, dispose: over } = tried;
      const dispose = () => {
        over();
        origin.observer.end(node.id);
      };
      const { timeout } = call;
      return { kind: "answer", response, node: node.id, servedBy: node.tier, isLate, timeout, dispose };
    }
    visit.log("attempt_failed", {
      node: node.id,
      attempt: index + 1,
      code: tried.refusal.code,
      why: tried.refusal.message,
    });
    failure.refusal = tried.isLate ? refuseLate(call, tried.refusal) : tried.refusal;
    failure.mayRun ||= tried.mayRun;
    if (!tried.mayRetry || signal.aborted) break;
  }
  return {
    ...failure,
    refusal: failure.refusal ?? new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: "no eligible node" }),
  };
}

/** The same refusal, but it says whose limit it was: a caller who set one learns that nothing is broken. */
function refuseLate(call: Call, { code, details }: Refusal): Refusal {
  return new Refusal(code, { ...details, message: describeTimeout(call.timeout) });
}

/**
 * Requests the first node's token count of the prompt (`/tokenize`); null when it cannot be counted: several prompts, images,
 * documents.
 */
export async function countPrompt(
  visit: Visit,
  { call, reserved, nodes: [node] }: Omit<HeldCall, "signal">,
  origin: Origin,
): Promise<number | null> {
  const request = buildTokenizeRequest(call);
  if (!node || !request) return null;
  const body = new TextEncoder().encode(JSON.stringify(request));
  const hop = signHop(buildHopTerms({ call, reserved }, node, 1, digestBody(body)), origin.hopKey, visit);
  const terms = {
    headersMsMax: tokenizeMsMax,
    deadlineMs: call.deadlineMs,
    endMs: visit.now() + tokenizeMsMax,
    contentType: "application/json",
    signal: neverAborted,
  } as const;
  const tried = await attempt(node, { path: "/tokenize", hop, body, ...terms }, origin.observer, visit);
  if (tried.kind !== "answer") return null;
  const answer = parseObject(await tried.response.text().catch(() => ""));
  tried.dispose();
  origin.observer.end(node.id);
  const count = answer?.["count"];
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : null;
}

const tokenizeMsMax = 2_000;
const neverAborted = new AbortController().signal;

/** What the engine counts: exactly what it will read as the prompt of this endpoint. */
function buildTokenizeRequest(call: Call): Record<string, unknown> | null {
  const { model, messages, prompt, input, tools, documents, chat_template_kwargs } = call.body;
  if (call.path === "/v1/chat/completions") {
    return call.hasImages || documents !== undefined ? null : { model, messages, tools, chat_template_kwargs };
  }
  const text = call.path === "/v1/completions" ? prompt : input;
  return typeof text === "string" ? { model, prompt: text } : null;
}

function buildHopTerms(
  { call, reserved }: Pick<HeldCall, "call" | "reserved">,
  node: NodeRecord,
  number: number,
  bodySha256: string,
): HopTerms {
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
    ...(!call.hasImages && { promptTokensGuess: call.promptTokensGuess }),
    deadlineMs: call.deadlineMs,
    bodySha256,
  };
}

/** The grant may be smaller than the request, if the caller allowed that. */
function clampTokens(call: Call, reserved: Reserved): Record<string, number> {
  return reserved.completionTokens < call.completionTokens ? { max_tokens: reserved.completionTokens } : {};
}
