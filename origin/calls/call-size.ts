import type { JsonObject } from "#edge/agreements/json.ts";
import { callPaths, isChat, type CallPath } from "#edge/agreements/paths.ts";
import type { HopClaims } from "#edge/agreements/tokens/hop.ts";
import { Refusal } from "#edge/errors.ts";
import { choicesMax, inputsMax } from "#edge/limits.ts";
import { refuseManySequences, type CallSize } from "#edge/protocol/sequences.ts";

/** What the edge has signed about a call's size. */
type SizeClaims = Pick<HopClaims, "promptTokensGuess" | "tokensHeld" | "completionTokensMax">;

/**
 * How large a body is to its engine: counted anew, since no edge is trusted, and refused with 400 where it is more than
 * anyone may have in one call. The prompt is the edge's estimate of it; where there is none (pictures) what is held for
 * it, a bound.
 */
export function measureCall(path: CallPath, requested: JsonObject, claims: SizeClaims): CallSize {
  const prompts = isChat(path) ? 1 : countPrompts(callPaths[path].prompt, requested[callPaths[path].prompt]);
  const choices = callPaths[path].chunkObject === null ? 0 : prompts * readChoices(requested["n"]);
  refuseManySequences({ prompts, choices }, {});
  const { completionTokensMax: completionTokens } = claims;
  const promptTokensHeld = Math.max(0, claims.tokensHeld - choices * completionTokens);
  return {
    path,
    prompts,
    choices,
    promptTokens: Math.min(claims.promptTokensGuess ?? promptTokensHeld, promptTokensHeld),
    completionTokens,
  };
}

function readChoices(n: unknown): number {
  if (n === undefined || n === null) return 1;
  if (typeof n === "number" && Number.isInteger(n) && n >= 1 && n <= choicesMax) return n;
  throw new Refusal("invalid_value", { param: "n", message: `'n' must be an integer from 1 to ${choicesMax}.` });
}

/** A list of texts, or of lists of token ids, is as many prompts; a list of token ids is one. */
function countPrompts(param: string, prompt: unknown): number {
  if (!Array.isArray(prompt) || prompt.length === 0 || typeof prompt[0] === "number") return 1;
  if (prompt.length > inputsMax)
    throw new Refusal("invalid_value", { param, message: `At most ${inputsMax} prompts in one call.` });
  return prompt.length;
}

/**
 * What a call is measured in where that is no token, as far as its body says: each document that is ranked, and each
 * text that is scored, is a unit.
 */
export function countUnits({ path, prompts }: CallSize): number {
  const { prompt } = callPaths[path];
  return prompt === "documents" || prompt === "text_2" ? prompts : 0;
}
