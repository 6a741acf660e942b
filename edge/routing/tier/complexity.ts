import type { TrafficProfile } from "../../agreements/records/traffic-profile.ts";
import type { Coefficients, Tier } from "../../agreements/records/model.ts";
import type { Call } from "../../protocol/openai/call.ts";

/** What a call will take from its neighbours on a node, and so which tier it belongs to. */
export interface Classification {
  tier: Tier;
  kvTokens: number;
  gpuSeconds: number;
  why: "standard" | "kv" | "prefill" | "choices" | "gpu" | "images" | "scores";
  /** It is complex only because the previous call was: its terms are at most 15 % below a threshold. */
  isStay: boolean;
}

/** The part of a call that its classification depends on. */
export type CallShape = Pick<
  Call,
  "promptTokensGuess" | "choices" | "completionTokens" | "hasImages" | "isScored" | "compileSeconds"
>;

/**
 * What is known before a call is classified: the org's traffic profile with the model, if any was reported, and whether
 * its last call to it was complex by its own terms.
 */
export interface CallHistory {
  profile: TrafficProfile | null;
  wasComplex: boolean;
}

/** Without history the worst is assumed: all of `max_tokens`, nothing cached, and the estimate as it is. */
export const noHistory: CallHistory = { profile: null, wasComplex: false };

const kvShareMax = 0.05;
const prefillSecondsMax = 0.75;
const choicesForComplex = 4;
const gpuSecondsMax = 20;
/** Hysteresis: a caller near a threshold stays in the tier until they are this far below it. */
const stayShare = 0.85;

/**
 * Classifies a parsed call in microseconds of CPU: K = P + n·D tokens of KV cache, G seconds of GPU. P is the estimate,
 * corrected by how the org's prompts have turned out; C is what its prompts usually find cached; D is `max_tokens` or,
 * if lower, the org's ninetieth percentile.
 */
export function classifyTier(
  call: CallShape,
  { profile: habit, wasComplex }: CallHistory,
  node: Coefficients,
): Classification {
  const prompt = Math.ceil(call.promptTokensGuess * (habit?.promptRatio ?? 1));
  // An engine that scores a prompt reads all of it: nothing of its cache says how likely a token was.
  const uncached = call.isScored ? prompt : Math.max(0, prompt - (habit?.cachedTokens ?? 0));
  const expected =
    habit && !habit.isAtLeast ? Math.min(call.completionTokens, habit.outputTokens) : call.completionTokens;
  const output = call.choices * expected;
  const kvTokens = prompt + output;
  const prefillSeconds = node.secondsPerPromptToken * uncached + node.secondsPerPromptTokenSquared * uncached * prompt;
  // While a grammar is compiled the GPU waits for nobody else, but the engine's one process does.
  const gpuSeconds = node.startSeconds + prefillSeconds + node.secondsPerToken * output + call.compileSeconds;
  const terms = { kvShare: kvTokens / node.poolTokens, prefillSeconds, gpuSeconds };
  const plain = findReason(call, terms, 1);
  const why = plain === "standard" && wasComplex ? findReason(call, terms, stayShare) : plain;
  return { tier: why === "standard" ? "shared" : "complex", kvTokens, gpuSeconds, why, isStay: why !== plain };
}

/**
 * Tells whether the org's next call to this model follows a complex one. Terms without hysteresis (images, choices,
 * scores) change nothing.
 */
export function isComplexNext({ why }: Classification, wasComplex: boolean): boolean {
  if (why === "images" || why === "choices" || why === "scores") return wasComplex;
  return why !== "standard";
}

function findReason(
  call: CallShape,
  terms: { kvShare: number; prefillSeconds: number; gpuSeconds: number },
  share: number,
): Classification["why"] {
  if (call.hasImages) return "images";
  if (call.isScored) return "scores";
  if (terms.kvShare >= share * kvShareMax) return "kv";
  if (terms.prefillSeconds >= share * prefillSecondsMax) return "prefill";
  if (call.choices >= choicesForComplex) return "choices";
  return terms.gpuSeconds >= share * gpuSecondsMax ? "gpu" : "standard";
}

/**
 * Writes `x-penstock-tier`: the tier that is charged; the terms behind it; `after=complex` when only the previous call
 * made it so; and the other tier, when that one served the call.
 */
export function writeTierHeader(classification: Classification, servedBy: Tier): string {
  const stay = classification.isStay ? " after=complex" : "";
  const spill = servedBy === classification.tier ? "" : ` spill=${servedBy}`;
  const { tier, kvTokens, gpuSeconds, why } = classification;
  return `${tier}; kv=${kvTokens} gpu_s=${gpuSeconds.toFixed(1)} why=${why}${stay}${spill}`;
}
