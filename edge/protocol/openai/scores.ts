import type { JsonObject } from "../../agreements/json.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { promptLogprobsMax, scoredTokensMax } from "../../limits.ts";

/**
 * Tells whether a body asks for log-probabilities of its prompt. An engine computes them for the whole prompt at once,
 * in gigabytes for a long one, so both their number and the prompt are bounded; throws a Refusal for more.
 */
export function refuseCostlyScores(
  body: JsonObject,
  promptTokens: number,
  model: Pick<ModelRecord, "scoredTokensMax">,
): boolean {
  const param = findScored(body);
  if (param === null) return false;
  const { logprobs } = body;
  if (param === "echo" && typeof logprobs === "number" && logprobs > promptLogprobsMax) {
    throw new Refusal("invalid_value", {
      param: "logprobs",
      message: `'logprobs' must be at most ${promptLogprobsMax} with 'echo'.`,
    });
  }
  const tokensMax = model.scoredTokensMax ?? scoredTokensMax;
  if (promptTokens <= tokensMax) return true;
  throw new Refusal("invalid_value", {
    param,
    message: `Log-probabilities of a prompt are given for ${tokensMax} tokens at most; it has about ${promptTokens}.`,
  });
}

/** The member that asks for them: `prompt_logprobs`, or `echo` where log-probabilities of all tokens are given. */
function findScored({ prompt_logprobs: scores, echo, logprobs }: JsonObject): "prompt_logprobs" | "echo" | null {
  if (typeof scores === "number") return "prompt_logprobs";
  return echo === true && typeof logprobs === "number" ? "echo" : null;
}
