import { windows } from "../agreements/records/windows.ts";
import { obeyedWaitMsMax, Refusal, type RefusalDetails } from "../errors.ts";
import { subBuckets } from "../limits.ts";
import type { Denial, Rates, WindowDemand } from "../ledger/port.ts";
import type { Call } from "../protocol/openai/call.ts";
import { refuseModel } from "../protocol/openai/models.ts";
import { buildWindowHeaders, formatDuration } from "../protocol/rate-headers.ts";

/** What an explanation says of the call that was denied: the model it named, and what its caller may lower. */
export type DeniedCall = Pick<Call, "named" | "choices" | "completionTokens" | "mayClamp" | "rename">;

/** The refusal that a caller sees for a denial: its code, headers and message. */
export function explainDenial(denial: Denial, call: DeniedCall | null = null): Refusal {
  switch (denial.reason) {
    case "key":
      return new Refusal("invalid_api_key");
    case "ip":
      return new Refusal("ip_not_authorized");
    case "project":
      return new Refusal("project_archived");
    case "endpoint":
      return new Refusal("insufficient_permissions");
    case "model":
      return refuseModel(call?.named.name ?? "");
    case "idempotency_in_progress":
      return new Refusal("idempotency_in_progress", { retryAfterMs: denial.retryAfterMs });
    case "idempotency_mismatch":
      return new Refusal("idempotency_mismatch", { mayRetry: false });
    case "idempotency_replayed":
      return explainReplay(denial.first);
    default:
      return explainLimit(denial, call);
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

const owners = { key: "this key's", project: "this project's", org: "the organization's" };

type LimitDenial = Extract<Denial, { window: unknown }>;

function explainLimit(denial: LimitDenial, call: DeniedCall | null): Refusal {
  const { reason, window, limit, of, demand } = denial;
  const where = `${windows[window].title} (${owners[of]} limit is ${limit})`;
  const headers = rateHeaders(denial.rates);
  const { unit } = windows[window];
  const bulk = demand && (unit === "tokens" || unit === "money") ? readBulk(denial, demand, call) : null;
  const hint = { ...buildHint(denial), headers };
  if (reason === "concurrency")
    return new Refusal("concurrency_exceeded", { ...hint, message: `Too many calls at once: ${where}.` });
  if (bulk?.isLarge && (reason === "quota" || bulk.isNever)) {
    const end = bulk.isNever ? "" : ` The quota opens again at ${formatTime(denial)}.`;
    const code = reason === "quota" ? "insufficient_quota" : "rate_limit_exceeded";
    return new Refusal(code, { ...hint, mayRetry: false, message: `${bulk.numbers}: ${where}. ${bulk.ways}.${end}` });
  }
  const wait = `Try again in ${formatDuration(hint.retryAfterMs)}`;
  if (bulk?.isHeld && reason === "quota") {
    const back = "What they hold and do not use comes back when they end.";
    const message = `${bulk.numbers}: ${where}. ${back} ${wait}. ${bulk.ways}.`;
    return new Refusal("rate_limit_exceeded", { ...hint, message });
  }
  if (reason === "rate")
    return new Refusal("rate_limit_exceeded", { ...hint, message: `Rate limit reached: ${where}. ${wait}.` });
  const message = `The quota is used up: ${where}. It opens again at ${formatTime(denial)}.`;
  return new Refusal("insufficient_quota", { ...hint, mayRetry: false, message });
}

/**
 * How long to wait, and whether to try again at all. A minute's window opens up to a sub-bucket later than in a minute,
 * which no SDK would wait for (`obeyedWaitMsMax`): it is told as a minute, and admission waits for the rest. Where a
 * longer window is full for longer than that, and where the call is larger than the limit, trying again is no use.
 */
function buildHint({ window, limit, demand, retryAfterMs }: LimitDenial): RefusalDetails & { retryAfterMs: number } {
  const isNever = demand !== undefined && demand.need > limit;
  const isMinute = isShortWindow(window);
  const isLong = !isMinute && retryAfterMs >= obeyedWaitMsMax;
  return {
    retryAfterMs: isMinute ? Math.min(retryAfterMs, obeyedWaitMsMax) : retryAfterMs,
    ...((isNever || isLong) && { mayRetry: false }),
  };
}

/** True of windows that no SDK needs to be told to wait longer for than it does. */
function isShortWindow(window: LimitDenial["window"]): boolean {
  const rule = windows[window];
  return rule.kind === "sliding" && rule.lengthMs <= obeyedWaitMsMax;
}

/**
 * How long admission waits in a refused caller's place, in ms: for what a minute's window lacks of the minute that they
 * were told to wait. Null where it does not.
 */
export function readLastWaitMs(denial: Denial): number | null {
  if (!("window" in denial) || !isShortWindow(denial.window)) return null;
  return denial.retryAfterMs <= obeyedWaitMsMax / subBuckets ? denial.retryAfterMs : null;
}

/** Why tokens or money do not suffice: the call is too large even once all calls end, or only they are in the way. */
function readBulk({ limit }: LimitDenial, { need, held, settled }: WindowDemand, call: DeniedCall | null) {
  const free = Math.max(0, limit - held - settled);
  const isHeld = settled + need <= limit;
  return {
    isHeld,
    isLarge: !isHeld && settled < limit,
    isNever: need > limit,
    numbers: `This call needs ${need}; ${free} are free, and calls under way hold ${held}`,
    ways: listWays(call),
  };
}

/** What a caller can do about a call that does not fit. */
function listWays(call: DeniedCall | null): string {
  if (call && call.choices * call.completionTokens <= 1) return "A shorter prompt needs less";
  const name = call ? call.rename("max_tokens") : "max_tokens";
  if (call?.mayClamp) return `A smaller '${name}' or a shorter prompt needs less`;
  return `Lower '${name}', or send 'x-penstock-clamp: true' to have it lowered to what is free`;
}

function formatTime({ resetAtMs }: LimitDenial): string {
  return new Date(resetAtMs).toISOString();
}

/**
 * `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` as OpenAI writes them; a window without a limit has no
 * headers.
 */
export function rateHeaders(rates: Rates): Record<string, string> {
  return { ...buildWindowHeaders("requests", rates.requests), ...buildWindowHeaders("tokens", rates.tokens) };
}
