import { z } from "zod";
import { inputsMax, promptIdsMax } from "../../limits.ts";
import { createCheckedSchema, sampling, countUtf8Bytes, type FieldFault } from "../fields.ts";

const tokenIdMax = 10_000_000;

/** A prompt or input: text, texts, token ids, or lists of token ids. */
export type PromptInput = string | string[] | number[] | number[][];
const PromptInput = createCheckedSchema<PromptInput>(findPromptFault);

const empty = "must not be empty";

/** The first item decides what type the rest must have. No prompt may be empty: an engine never answers one. */
function findPromptFault(value: unknown): FieldFault | null {
  if (typeof value === "string") return value === "" ? { path: [], message: empty } : null;
  if (value === undefined) return { path: [], message: "is required" };
  if (!Array.isArray(value)) return { path: [], message: "must be a string or a list" };
  if (value.length === 0) return { path: [], message: empty };
  const first: unknown = value[0];
  if (typeof first === "number") return findIdsFault(value);
  if (value.length > inputsMax) return { path: [], message: `must have at most ${inputsMax} items` };
  const find = typeof first === "string" ? findTextFault : findIdsFault;
  for (const [index, item] of value.entries()) {
    const fault = find(item);
    if (fault) return { ...fault, path: [index, ...fault.path] };
  }
  return null;
}

function findTextFault(text: unknown): FieldFault | null {
  if (typeof text !== "string") return { path: [], message: "must be a string, as the first item is" };
  return text === "" ? { path: [], message: empty } : null;
}

function findIdsFault(ids: unknown): FieldFault | null {
  if (!Array.isArray(ids)) return { path: [], message: "must be a string or a list of token ids" };
  if (ids.length === 0) return { path: [], message: empty };
  if (ids.length > promptIdsMax) return { path: [], message: `must have at most ${promptIdsMax} token ids` };
  const at = ids.findIndex((id) => typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > tokenIdMax);
  return at === -1 ? null : { path: [at], message: "must be a token id" };
}

/** A prompt of token ids that is longer than a limit: its path within the field, and how many it has. */
export interface LongPrompt {
  path: string;
  tokens: number;
}

/** Finds the first prompt whose token ids alone are more than `tokensMax`; text is for the engine to count. */
export function findLongPrompt(prompt: PromptInput, tokensMax: number): LongPrompt | null {
  if (typeof prompt === "string") return null;
  if (isOnePrompt(prompt)) return prompt.length > tokensMax ? { path: "", tokens: prompt.length } : null;
  const lengths = prompt.map((item) => (Array.isArray(item) ? item.length : 0));
  const at = lengths.findIndex((tokens) => tokens > tokensMax);
  return at === -1 ? null : { path: `[${at}]`, tokens: lengths[at] ?? 0 };
}

/** POST /v1/completions, as OpenAI and vLLM define it; unknown members pass. */
export const CompletionsBody = z.looseObject({
  ...sampling,
  /** 0 with `echo` alone: the prompt comes back with its log-probabilities, and nothing is generated. */
  max_tokens: z.int().min(0).nullish(),
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
