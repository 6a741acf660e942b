import { z } from "zod";
import { inputsMax } from "../limits.ts";
import { sampling, utf8Bytes } from "./fields.ts";

const TokenId = z.int().min(0).max(10_000_000);

/** Text, texts, token ids, or lists of token ids. */
const Prompt = z.union([
  z.string(),
  z.array(z.string()).min(1).max(inputsMax),
  z.array(TokenId).min(1),
  z.array(z.array(TokenId).min(1)).min(1).max(inputsMax),
]);
export type Prompt = z.infer<typeof Prompt>;

/** POST /v1/completions, as OpenAI and vLLM define it; unknown members pass. */
export const CompletionsBody = z.looseObject({
  ...sampling,
  prompt: Prompt,
  echo: z.boolean().nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
});
export type CompletionsBody = z.infer<typeof CompletionsBody>;

/** POST /v1/embeddings; unknown members pass. */
export const EmbeddingsBody = z.looseObject({
  model: sampling.model,
  input: Prompt,
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).max(65_536).nullish(),
  user: sampling.user,
});
export type EmbeddingsBody = z.infer<typeof EmbeddingsBody>;

/** What OpenAI and vLLM take when a completions call names no `max_tokens`. */
export const completionTokensDefault = 16;

/** A tokenizer may add a mark before and after each prompt. */
const marksPerPrompt = 2;

/** Upper bound of a prompt in tokens: UTF-8 bytes of text, or the count of ids. */
export function promptBound(prompt: Prompt): number {
  if (typeof prompt === "string") return utf8Bytes(prompt) + marksPerPrompt;
  let tokens = isOnePrompt(prompt) ? marksPerPrompt : prompt.length * marksPerPrompt;
  for (const item of prompt) {
    if (typeof item === "number") tokens += 1;
    else tokens += typeof item === "string" ? utf8Bytes(item) : item.length;
  }
  return tokens;
}

/** How many prompts the field holds: each is answered with `n` choices of its own. */
export function promptCount(prompt: Prompt): number {
  return isOnePrompt(prompt) ? 1 : prompt.length;
}

export function promptText(prompt: Prompt): string {
  if (typeof prompt === "string") return prompt;
  return prompt.map((item) => (typeof item === "string" ? item : "")).join("\n");
}

function isOnePrompt(prompt: Prompt): boolean {
  return typeof prompt === "string" || typeof prompt[0] === "number";
}
