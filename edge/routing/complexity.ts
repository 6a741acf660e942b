import type { Tier } from "../agreements/model.ts";
import type { Call } from "../protocol/call.ts";

/** What a call will take from its neighbours on a node, and so which tier it belongs to. */
export interface Verdict {
  tier: Tier;
  kvTokens: number;
  gpuSeconds: number;
  why: "standard" | "kv" | "prefill" | "choices" | "gpu" | "images";
}

/**
 * One L4 with a 7B model in bf16 (shared/design/origin.md §3): a pool of 96,800 KV tokens, 0.21 ms a prompt token, 51 ms a decode step of twelve. To be
 * refitted from usage per model and node kind.
 */
const node = { poolTokens: 96_800, startSeconds: 0.05, secondsPerPromptToken: 0.000_21, secondsPerPromptTokenSquared: 4e-9, secondsPerToken: 0.051 / 12 };

const kvShareMax = 0.05;
const prefillSecondsMax = 0.75;
const choicesForComplex = 4;
const gpuSecondsMax = 20;

/** The verdict, from the parsed call alone, in microseconds of CPU: K = P + n·D tokens of KV cache, G seconds of GPU. */
export function judge(call: Pick<Call, "promptTokensGuess" | "choices" | "completionTokens" | "hasImages">): Verdict {
  const prompt = call.promptTokensGuess;
  const output = call.choices * call.completionTokens;
  const kvTokens = prompt + output;
  const prefillSeconds = node.secondsPerPromptToken * prompt + node.secondsPerPromptTokenSquared * prompt * prompt;
  const gpuSeconds = node.startSeconds + prefillSeconds + node.secondsPerToken * output;
  const why = reason(call, kvTokens, prefillSeconds, gpuSeconds);
  return { tier: why === "standard" ? "shared" : "complex", kvTokens, gpuSeconds, why };
}

function reason(call: Pick<Call, "choices" | "hasImages">, kvTokens: number, prefillSeconds: number, gpuSeconds: number): Verdict["why"] {
  if (call.hasImages) return "images";
  if (kvTokens >= kvShareMax * node.poolTokens) return "kv";
  if (prefillSeconds >= prefillSecondsMax) return "prefill";
  if (call.choices >= choicesForComplex) return "choices";
  return gpuSeconds >= gpuSecondsMax ? "gpu" : "standard";
}

/** `x-penstock-tier`: the tier, the terms behind it, and, when another tier served the call, that too. */
export function tierHeader(verdict: Verdict, servedBy: Tier): string {
  const spill = servedBy === verdict.tier ? "" : ` spill=${servedBy}`;
  return `${verdict.tier}; kv=${verdict.kvTokens} gpu_s=${verdict.gpuSeconds.toFixed(1)} why=${verdict.why}${spill}`;
}
