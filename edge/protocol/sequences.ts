import { callPaths, type CallPath } from "../agreements/paths.ts";
import type { ModelRecord } from "../agreements/records/model.ts";
import type { CallMax } from "../agreements/records/node.ts";
import { Refusal } from "../errors.ts";
import { inputsAtOnce, inputsPerSequence, sequencesMax } from "../limits.ts";

/** How many prompts a call has, and how many choices over all of them; embeddings have none. */
export interface CallCounts {
  prompts: number;
  choices: number;
}

/** What of a call an engine has room to keep for: `promptTokens` in all, `completionTokens` for each choice. */
export interface CallSize extends CallCounts {
  path: CallPath;
  promptTokens: number;
  completionTokens: number;
}

/**
 * How many sequences a call is to an engine. An embedding's input is done in a step, so 8 of them count as one; no more
 * than 32 are there at once (origin/calls/whole/pieces.ts).
 */
export function countSequences({ prompts, choices }: CallCounts): number {
  return choices > 0 ? choices : Math.ceil(Math.min(prompts, inputsAtOnce) / inputsPerSequence);
}

/** How many tokens a call has in the engine's pool if every choice gets as long as it may. A prompt is there once. */
export function countTokens({ promptTokens, choices, completionTokens }: CallSize): number {
  return promptTokens + choices * completionTokens;
}

/**
 * Refuses a call of more sequences than anyone may have in one: 64, or what the model's record says. Throws 400
 * `invalid_value` that names the member to lower.
 */
export function refuseManySequences(shape: CallCounts, model: Pick<ModelRecord, "sequencesMax">): void {
  const max = Math.min(sequencesMax, model.sequencesMax ?? sequencesMax);
  if (shape.choices > max) refuseSequences(shape, max, "one call may have");
}

/** True when a node takes this call if nobody else is there. */
export function fitsNode(size: CallSize, { sequences, tokens }: CallMax): boolean {
  return countSequences(size) <= sequences && (tokens === undefined || countTokens(size) <= tokens);
}

/**
 * Refuses a call that a node would not take even if it were idle. Throws 400 `invalid_value` that names the member to
 * lower, and says by how much.
 */
export function refuseOversized(size: CallSize, max: CallMax): void {
  const { path } = size;
  if (countSequences(size) > max.sequences)
    refuseSequences(size, max.sequences, "the nodes of this model take", callPaths[path].prompt);
  if (max.tokens !== undefined && countTokens(size) > max.tokens) refuseTokens(size, max.tokens);
}

function refuseSequences({ prompts, choices }: CallCounts, max: number, taken: string, field = "prompt"): never {
  if (choices === 0) {
    const inputsMax = max * inputsPerSequence;
    throw new Refusal("invalid_value", {
      param: field,
      message: `'${field}' has ${prompts} items; ${taken} at most ${inputsMax}.`,
    });
  }
  const param = prompts > max ? "prompt" : "n";
  const each = choices / prompts;
  const made = prompts === 1 ? "" : `${prompts} prompts with ${each} choices each make ${choices} sequences; `;
  throw new Refusal("invalid_value", {
    param,
    message: `'${param}' is too large: ${made || `${choices} choices are as many sequences; `}${taken} at most ${max}.`,
  });
}

/** The first that would be too much with all the others at their least. */
function refuseTokens(size: CallSize, max: number): never {
  const { path, prompts, choices, promptTokens, completionTokens } = size;
  const each = completionTokens * Math.min(prompts, choices);
  const isPromptLong = promptTokens + Math.min(each, prompts) > max;
  const param = isPromptLong ? callPaths[path].prompt : promptTokens + each > max ? "max_tokens" : "n";
  const parts = `${promptTokens} of its prompt, ${choices} × ${completionTokens} of its choices`;
  throw new Refusal("invalid_value", {
    param,
    message:
      `'${param}' is too large: this call may have ${countTokens(size)} tokens at once (${parts}); the nodes of this ` +
      `model take at most ${max}.`,
  });
}
