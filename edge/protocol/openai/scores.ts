import type { JsonObject } from "../../agreements/json.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { promptLogprobsMax, scoredTokensMax, unstreamedTokensMax } from "../../limits.ts";

/** What the bounds of a call for scores depend on: its estimated prompt, and what it may make over all prompts. */
export interface ScoredSize {
  promptTokens: number;
  choices: number;
  completionTokens: number;
}

/**
 * Tells whether a body asks for log-probabilities of its prompt. An engine computes them for the whole prompt at once,
 * in gigabytes for a long one, so both their number and the prompt are bounded; throws a Refusal for more.
 */
export function refuseCostlyScores(
  body: JsonObject,
  size: ScoredSize,
  model: Pick<ModelRecord, "scoredTokensMax">,
): boolean {
  const scores = findScores(body);
  if (scores === null) return false;
  const { param, count, countParam } = scores;
  if (count > promptLogprobsMax) {
    throw new Refusal("invalid_value", {
      param: countParam,
      message: `'${countParam}' must be at most ${promptLogprobsMax} with 'echo'; it is ${count}.`,
    });
  }
  const tokensMax = model.scoredTokensMax ?? scoredTokensMax;
  if (size.promptTokens > tokensMax) {
    const has = `it has about ${size.promptTokens}`;
    throw new Refusal("invalid_value", {
      param,
      message: `Log-probabilities of a prompt are given for ${tokensMax} tokens at most; ${has}.`,
    });
  }
  refuseUnstreamed(body, size);
  return true;
}

/**
 * Refuses long answers beside `prompt_logprobs`: an engine gives those in one piece only, so nobody is told how much it
 * had made when the caller leaves, and who leaves pays the prompt alone.
 */
export function refuseUnstreamed(
  body: JsonObject,
  { choices, completionTokens }: Omit<ScoredSize, "promptTokens">,
): void {
  if (typeof body["prompt_logprobs"] !== "number") return;
  const max = Math.max(1, Math.floor(unstreamedTokensMax / Math.max(1, choices)));
  if (completionTokens <= max) return;
  const param = typeof body["max_completion_tokens"] === "number" ? "max_completion_tokens" : "max_tokens";
  const answers = choices === 1 ? "" : ` and ${choices} answers`;
  throw new Refusal("invalid_value", {
    param,
    message: `'${param}' must be at most ${max} with 'prompt_logprobs'${answers}; it is ${completionTokens}.`,
  });
}

/**
 * Does the body make an engine score a prompt that is longer than what is allowed without a word in the model's record?
 * One at a time is enough for an engine.
 */
export function isLongScore(body: JsonObject, promptTokens: number): boolean {
  return promptTokens > scoredTokensMax && findScores(body) !== null;
}

/**
 * The member that asks for them, and how many for each token: `prompt_logprobs`, or `echo` where log-probabilities are
 * given. Of a chat vLLM scores the prompt with `echo` alone, and with as many as `top_logprobs` says.
 */
function findScores(body: JsonObject): { param: string; count: number; countParam: string } | null {
  const { prompt_logprobs: scores, echo, logprobs, top_logprobs: top, messages } = body;
  if (typeof scores === "number") return { param: "prompt_logprobs", count: scores, countParam: "prompt_logprobs" };
  if (echo !== true) return null;
  if (Array.isArray(messages))
    return { param: "echo", count: typeof top === "number" ? top : 0, countParam: "top_logprobs" };
  return typeof logprobs === "number" ? { param: "echo", count: logprobs, countParam: "logprobs" } : null;
}
