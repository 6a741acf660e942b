import type { Habit } from "../../agreements/records/traffic-profile.ts";
import type { Coefficients, Tier } from "../../agreements/records/model.ts";
import type { Call } from "../../protocol/openai/call.ts";

/** What a call will take from its neighbours on a node, and so which tier it belongs to. */
export interface Verdict {
  tier: Tier;
  kvTokens: number;
  gpuSeconds: number;
  why: "standard" | "kv" | "prefill" | "choices" | "gpu" | "images";
  /** It is complex only because the one before it was: its terms are within 15 % below a threshold. */
  isStay: boolean;
}

/** What of a call the verdict goes by. */
export type Asked = Pick<Call, "promptTokensGuess" | "choices" | "completionTokens" | "hasImages">;

/**
 * What is known when a call is judged: its org's habits with the model, if any were told, and whether the org's last
 * call to it was complex by its terms.
 */
export interface Known {
  habit: Habit | null;
  wasComplex: boolean;
}

/** Of a stranger the most is expected: all of `max_tokens`, nothing cached, and the estimate is taken as it is. */
export const stranger: Known = { habit: null, wasComplex: false };

const kvShareMax = 0.05;
const prefillSecondsMax = 0.75;
const choicesForComplex = 4;
const gpuSecondsMax = 20;
/** Hysteresis: a caller near a threshold keeps her tier until she is so far below it. */
const stayShare = 0.85;

/**
 * The verdict, from the parsed call and what is known, in microseconds of CPU (shared/design/origin.md §3): K = P + n·D
 * tokens of KV cache, G seconds of GPU. P is the estimate as the org's prompts have borne it out, C what its prompts
 * use to find cached, D `max_tokens` or, if less, its own ninetieth percentile.
 */
export function judge(call: Asked, { habit, wasComplex }: Known, node: Coefficients): Verdict {
  const prompt = Math.ceil(call.promptTokensGuess * (habit?.promptRatio ?? 1));
  const uncached = Math.max(0, prompt - (habit?.cachedTokens ?? 0));
  const expected =
    habit && !habit.isAtLeast ? Math.min(call.completionTokens, habit.outputTokens) : call.completionTokens;
  const output = call.choices * expected;
  const kvTokens = prompt + output;
  const prefillSeconds = node.secondsPerPromptToken * uncached + node.secondsPerPromptTokenSquared * uncached * prompt;
  const gpuSeconds = node.startSeconds + prefillSeconds + node.secondsPerToken * output;
  const terms = { kvShare: kvTokens / node.poolTokens, prefillSeconds, gpuSeconds };
  const plain = reason(call, terms, 1);
  const why = plain === "standard" && wasComplex ? reason(call, terms, stayShare) : plain;
  return { tier: why === "standard" ? "shared" : "complex", kvTokens, gpuSeconds, why, isStay: why !== plain };
}

/**
 * Whether the next call of this org and model is to be judged as one after a complex one. What a verdict does not weigh
 * (images, choices) changes nothing.
 */
export function isComplexNext({ why }: Verdict, wasComplex: boolean): boolean {
  if (why === "images" || why === "choices") return wasComplex;
  return why !== "standard";
}

function reason(
  call: Asked,
  terms: { kvShare: number; prefillSeconds: number; gpuSeconds: number },
  share: number,
): Verdict["why"] {
  if (call.hasImages) return "images";
  if (terms.kvShare >= share * kvShareMax) return "kv";
  if (terms.prefillSeconds >= share * prefillSecondsMax) return "prefill";
  if (call.choices >= choicesForComplex) return "choices";
  return terms.gpuSeconds >= share * gpuSecondsMax ? "gpu" : "standard";
}

/**
 * `x-penstock-tier`: the tier that was judged, and is charged; the terms behind it; `after=complex` when it is so only
 * because of the call before; and, when another tier served the call, that too.
 */
export function tierHeader(verdict: Verdict, servedBy: Tier): string {
  const stay = verdict.isStay ? " after=complex" : "";
  const spill = servedBy === verdict.tier ? "" : ` spill=${servedBy}`;
  return `${verdict.tier}; kv=${verdict.kvTokens} gpu_s=${verdict.gpuSeconds.toFixed(1)} why=${verdict.why}${stay}${spill}`;
}
