import { windows } from "../agreements/records/windows.ts";
import { Refusal } from "../errors.ts";
import type { Denial, Rates } from "../ledger/port.ts";
import { refuseModel } from "../protocol/openai/models.ts";
import { buildWindowHeaders, formatDuration } from "../protocol/rate-headers.ts";

/** The refusal that a caller sees for a denial: its code, headers and message. `model` is what the call named. */
export function explainDenial(denial: Denial, model = ""): Refusal {
  switch (denial.reason) {
    case "key":
      return new Refusal("invalid_api_key");
    case "ip":
      return new Refusal("ip_not_authorized");
    case "endpoint":
      return new Refusal("insufficient_permissions");
    case "model":
      return refuseModel(model);
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
