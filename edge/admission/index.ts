import type { Credential } from "../agreements/tokens/credential.ts";
import type { HoldId, OrgId } from "../agreements/tokens/ids.ts";
import { isChat } from "../agreements/paths.ts";
import { windows } from "../agreements/records/windows.ts";
import type { Price, Tier } from "../agreements/records/model.ts";
import { OutOfReach, Refusal } from "../errors.ts";
import type { Call } from "../protocol/openai/call.ts";
import { formatDuration, buildWindowHeaders } from "../protocol/rate-headers.ts";
import type { Visit } from "../visit.ts";
import type { HoldRequest, Denial, Grant, Ledger, Rates, Scopes } from "../ledger/port.ts";

export { openBoundFactors, type BoundFactors } from "./bound-factors.ts";

/** Counts a call's prompt exactly, with an engine of its model; null when none could be reached. */
export type CountPrompt = () => Promise<number | null>;

/** Who makes the call, under which hold, at which price and when. */
export interface Terms {
  credential: Credential;
  hold: HoldId;
  tier: Tier;
  price: Price;
  nowMs: number;
  /** How long after the call's deadline the hold stands. */
  graceMs: number;
  countPrompt: CountPrompt;
  /** By how much this org's bounds of prompts are multiplied (bound-factors.ts). */
  boundFactor: number;
}

/** What is held, and by how much the prompt's bound was multiplied for it; 1 for a prompt that was counted exactly. */
export interface Admission extends Grant {
  boundFactor: number;
}

/**
 * Reserves what the call may use, in one round trip. Only when the safe bound does not fit but the estimate would, the
 * prompt is counted exactly and that many tokens are held instead: nothing overshoots, and nobody near the limit is
 * refused without cause.
 */
export async function admit(visit: Visit, ledger: Ledger, call: Call, terms: Terms): Promise<Admission> {
  const request = makeRequest(call, terms);
  const first = await requestHold(visit, ledger, request);
  if (first.kind === "grant") return { ...first, boundFactor: terms.boundFactor };
  if (!mightFit(first, call)) throw explainDenial(first);
  const promptTokens = await terms.countPrompt();
  if (promptTokens === null || promptTokens >= request.promptTokens) throw explainDenial(first);
  const second = await requestHold(visit, ledger, { ...request, promptTokens });
  if (second.kind === "grant") return { ...second, boundFactor: 1 };
  throw explainDenial(second);
}

/** Reads what a key may use, without reserving anything; refuses like a call when the key is not in force. */
export async function introspect(ledger: Ledger, credential: Credential): Promise<Scopes> {
  const answer = await ledger.introspect(credential).catch((cause: unknown) => {
    throw new Refusal("quota_unavailable", { retryAfterMs: 1_000, log: "ledger out of reach", cause });
  });
  if (answer.kind === "denial") throw explainDenial(answer);
  return answer;
}

function makeRequest(call: Call, terms: Terms): HoldRequest {
  return {
    hold: terms.hold,
    ...terms.credential,
    endpoint: call.endpoint,
    model: call.model.id,
    tier: terms.tier,
    price: terms.price,
    promptTokens: correctBound(call, terms.boundFactor),
    completionTokens: call.completionTokens,
    choices: call.choices,
    mayClamp: call.mayClamp,
    ttlMs: Math.max(0, call.deadlineMs - terms.nowMs) + terms.graceMs,
    idempotency: call.idempotency,
  };
}

/** A chat is one prompt, and no engine takes one that is longer than its context. */
function correctBound({ path, model, promptTokensMax }: Call, factor: number): number {
  const most = isChat(path) ? Math.max(promptTokensMax, model.contextTokensMax) : Infinity;
  return Math.min(promptTokensMax * factor, most);
}

/**
 * The waits before each repeated release, in ms; the platform lets a request outlive its answer by 30 s.
 */
const releaseRetryMs = [1_000, 4_000, 10_000];

/**
 * Gives a hold back. When the ledger cannot be reached, the caller does not wait: the release is repeated behind the
 * answer, so that a moment's failure does not leave a slot taken until the call's deadline.
 */
export async function releaseHold(visit: Visit, ledger: Ledger, release: Release): Promise<void> {
  if (await tryRelease(ledger, release)) return;
  visit.log("release_failed", { hold: release.hold });
  visit.afterwards(retryRelease(visit, ledger, release));
}

/** A hold to release; `mayRun`: a node may be at work on its call all the same. */
interface Release {
  org: OrgId;
  hold: HoldId;
  mayRun: boolean;
}

async function retryRelease(visit: Visit, ledger: Ledger, release: Release): Promise<void> {
  for (const ms of releaseRetryMs) {
    await new Promise((done) => setTimeout(done, ms));
    if (await tryRelease(ledger, release)) return;
  }
  visit.log("release_given_up", { hold: release.hold });
}

function tryRelease(ledger: Ledger, { org, hold, mayRun }: Release): Promise<boolean> {
  return ledger.release(org, hold, mayRun).then(
    () => true,
    () => false,
  );
}

async function requestHold(visit: Visit, ledger: Ledger, request: HoldRequest): Promise<Grant | Denial> {
  try {
    return await ledger.admit(request);
  } catch (cause) {
    // A request without an answer may have been booked all the same. A ledger that has just failed gets its release
    // later, not at once: that is how a rush becomes a collapse.
    const mayBeBooked = !(cause instanceof OutOfReach) || cause.wasSent;
    if (mayBeBooked)
      visit.afterwards(retryRelease(visit, ledger, { org: request.org, hold: request.hold, mayRun: false }));
    throw new Refusal("quota_unavailable", { retryAfterMs: 1_000, log: "ledger out of reach", cause });
  }
}

function mightFit(denial: Denial, call: Call): boolean {
  if (!("tokensRemaining" in denial) || denial.tokensRemaining === null) return false;
  const completion = call.choices * (call.mayClamp ? Math.min(1, call.completionTokens) : call.completionTokens);
  return call.promptTokensGuess + completion <= denial.tokensRemaining;
}

/** The refusal that a caller sees for a denial: its code, headers and message. */
export function explainDenial(denial: Denial): Refusal {
  switch (denial.reason) {
    case "key":
      return new Refusal("invalid_api_key");
    case "ip":
      return new Refusal("ip_not_authorized");
    case "endpoint":
      return new Refusal("insufficient_permissions");
    case "model":
      return new Refusal("model_not_allowed", { param: "model" });
    case "idempotency_in_progress":
      return new Refusal("idempotency_in_progress", { retryAfterMs: denial.retryAfterMs });
    case "idempotency_mismatch":
      return new Refusal("idempotency_mismatch", { mayRetry: false });
    case "idempotency_replayed":
      return explainReplay(denial.first);
    default:
      return explainLimit(denial);
  }
}

function explainReplay(first: Extract<Denial, { reason: "idempotency_replayed" }>["first"]): Refusal {
  const { hold, responseId, promptTokens, completionTokens } = first;
  return new Refusal("idempotency_replayed", {
    mayRetry: false,
    extra: {
      first_call: {
        id: responseId,
        hold,
        usage: {
          prompt_tokens: promptTokens,
          completion_tokens: completionTokens,
          total_tokens: promptTokens + completionTokens,
        },
      },
    },
  });
}

type LimitDenial = Extract<Denial, { window: unknown }>;

function explainLimit(denial: LimitDenial): Refusal {
  const { window, limit, of, retryAfterMs, resetAtMs, rates } = denial;
  const whose = of === "key" ? "this key's" : "the organization's";
  const where = `${windows[window].title} (${whose} limit is ${limit})`;
  const headers = rateHeaders(rates);
  if (denial.reason === "quota") {
    const message = `The quota is used up: ${where}. It opens again at ${new Date(resetAtMs).toISOString()}.`;
    return new Refusal("insufficient_quota", { message, mayRetry: false, retryAfterMs, headers });
  }
  const code = denial.reason === "concurrency" ? "concurrency_exceeded" : "rate_limit_exceeded";
  const message =
    denial.reason === "concurrency"
      ? `Too many calls at once: ${where}.`
      : `Rate limit reached: ${where}. Try again in ${formatDuration(retryAfterMs)}.`;
  return new Refusal(code, { message, retryAfterMs, headers });
}

/**
 * `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` as OpenAI writes them; a window without a limit has no
 * headers.
 */
export function rateHeaders(rates: Rates): Record<string, string> {
  return { ...buildWindowHeaders("requests", rates.requests), ...buildWindowHeaders("tokens", rates.tokens) };
}
