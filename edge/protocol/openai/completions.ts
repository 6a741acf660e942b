import { z } from "zod";
import { inputsMax, promptIdsMax } from "../../limits.ts";
import { createCheckedSchema, sampling, countUtf8Bytes, type FieldFault } from "../fields.ts";

const tokenIdMax = 10_000_000;

/** A prompt or input: text, texts, token ids, or lists of token ids. */
export type PromptInput = string | string[] | number[] | number[][];
const PromptInput = createCheckedSchema<PromptInput>(findPromptFault);

/** The first item decides what type the rest must have. */
function findPromptFault(value: unknown): FieldFault | null {
  if (typeof value === "string") return null;
  if (!Array.isArray(value) || value.length === 0)
    return { path: [], message: "must be text, or a list that is not empty" };
  const first: unknown = value[0];
  if (typeof first === "number") return findIdsFault(value);
  if (value.length > inputsMax) return { path: [], message: `must have at most ${inputsMax} items` };
  if (typeof first === "string") {
    const at = value.findIndex((item) => typeof item !== "string");
    return at === -1 ? null : { path: [at], message: "must be text, as the first item is" };
  }
  for (const [index, item] of value.entries()) {
    const fault =
      Array.isArray(item) && item.length > 0
        ? findIdsFault(item)
        : { path: [], message: "must be text or a list of token ids" };
    if (fault) return { ...fault, path: [index, ...fault.path] };
  }
  return null;
}

function findIdsFault(ids: unknown[]): FieldFault | null {
  if (ids.length > promptIdsMax) return { path: [], message: `must have at most ${promptIdsMax} token ids` };
  const at = ids.findIndex((id) => typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > tokenIdMax);
  return at === -1 ? null : { path: [at], message: "must be a token id" };
}

/** POST /v1/completions, as OpenAI and vLLM define it; unknown members pass. */
export const CompletionsBody = z.looseObject({
  ...sampling,
  prompt: PromptInput,
  echo: z.boolean().nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
});
export type CompletionsBody = z.infer<typeof CompletionsBody>;

/** POST /v1/embeddings; unknown members pass. */
export const EmbeddingsBody = z.looseObject({
  model: sampling.model,
  input: PromptInput,
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).max(65_536).nullish(),
  user: sampling.user,
});
export type EmbeddingsBody = z.infer<typeof EmbeddingsBody>;

/** The default of OpenAI and vLLM when a completions call has no `max_tokens`. */
export const completionTokensDefault = 16;

/** A tokenizer may add a mark before and after each prompt. */
const marksPerPrompt = 2;

/** Returns an upper bound of a prompt in tokens: UTF-8 bytes of text, or the number of ids. */
export function boundPrompt(prompt: PromptInput): number {
  if (typeof prompt === "string") return countUtf8Bytes(prompt) + marksPerPrompt;
  let tokens = isOnePrompt(prompt) ? marksPerPrompt : prompt.length * marksPerPrompt;
  for (const item of prompt) {
    if (typeof item === "number") tokens += 1;
    else tokens += typeof item === "string" ? countUtf8Bytes(item) : item.length;
  }
  return tokens;
}

/** How many prompts the field holds: each is answered with `n` choices of its own. */
export function countPrompts(prompt: PromptInput): number {
  return isOnePrompt(prompt) ? 1 : prompt.length;
}

export function joinPromptText(prompt: PromptInput): string {
  if (typeof prompt === "string") return prompt;
  return prompt.map((item) => (typeof item === "string" ? item : "")).join("\n");
}

function isOnePrompt(prompt: PromptInput): boolean {
  return typeof prompt === "string" || typeof prompt[0] === "number";
}
