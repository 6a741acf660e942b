import { z } from "zod";
import { endpointPaths } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { inputsMax, promptIdsMax } from "../../limits.ts";
import { estimateTokens } from "../estimate.ts";
import { boundPrompts } from "./bounds/prompts.ts";
import { readAffinity, refuseStrayOptions, writeBody, type ParsedBody } from "./parsed-body.ts";
import { findModel } from "./models.ts";
import { createCheckedSchema, sampling, type FieldFault } from "../fields.ts";

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

/** How many prompts the field holds: each is answered with `n` choices of its own. */
export function countPrompts(prompt: PromptInput): number {
  return isOnePrompt(prompt) ? 1 : prompt.length;
}

/** The text of all prompts that are text, one a line, as an estimate needs it. */
export function joinPromptText(prompt: PromptInput): string {
  if (typeof prompt === "string") return prompt;
  return prompt.map((item) => (typeof item === "string" ? item : "")).join("\n");
}

function isOnePrompt(prompt: PromptInput): boolean {
  return typeof prompt === "string" || typeof prompt[0] === "number";
}

/**
 * An engine that finds these on another endpoint may read the call as a chat, with another prompt than the held one.
 */
const notChat = { messages: undefined, documents: undefined, tools: undefined, chat_template_kwargs: undefined };

/** Reads the body of a completions call; throws a Refusal that names the field. */
export function readCompletions(body: CompletionsBody, models: readonly ModelRecord[]): ParsedBody {
  refuseStrayOptions(body);
  const model = findModel(models, body.model, "completions");
  const completionTokens = body.max_tokens ?? completionTokensDefault;
  if (completionTokens === 0 && !body.echo) {
    throw new Refusal("invalid_value", {
      param: "max_tokens",
      message: "'max_tokens' must be at least 1; 0 is for 'echo', which gives the prompt back.",
    });
  }
  // An engine has to have room for one token, even where it is not asked for any.
  refuseLongPrompt(body, "prompt", body.prompt, model.contextTokensMax - 1);
  const text = joinPromptText(body.prompt);
  const bound = boundPrompts(body.prompt, { model, suffix: body["suffix"] });
  return {
    path: endpointPaths.completions.agent,
    model,
    body: writeBody(body, { model: model.id, max_tokens: completionTokens, ...notChat }),
    isStream: body.stream ?? false,
    choices: (body.n ?? 1) * countPrompts(body.prompt),
    promptTokensMax: bound,
    promptTokensGuess: text.trim() ? estimateTokens(text) : bound,
    completionTokens,
    isDefaultMax: false,
    hasImages: false,
    affinity: readAffinity(body, text),
  };
}

/** Reads the body of an embeddings call; throws a Refusal that names the field. */
export function readEmbeddings(body: EmbeddingsBody, models: readonly ModelRecord[]): ParsedBody {
  const model = findModel(models, body.model, "embeddings");
  refuseLongPrompt(body, "input", body.input, model.contextTokensMax);
  const text = joinPromptText(body.input);
  const bound = boundPrompts(body.input, { model });
  return {
    path: endpointPaths.embeddings.agent,
    model,
    body: writeBody(body, { model: model.id, ...notChat }),
    isStream: false,
    choices: 0,
    promptTokensMax: bound,
    promptTokensGuess: text.trim() ? estimateTokens(text) : bound,
    completionTokens: 0,
    isDefaultMax: false,
    hasImages: false,
    affinity: text.slice(0, 1_024),
  };
}

/** Token ids need no tokenizer to be counted; a caller who wants a long prompt cut leaves it to the engine. */
function refuseLongPrompt(
  body: Record<string, unknown>,
  field: "prompt" | "input",
  prompt: PromptInput,
  tokensMax: number,
): void {
  const long = typeof body["truncate_prompt_tokens"] === "number" ? null : findLongPrompt(prompt, tokensMax);
  if (!long) return;
  const param = `${field}${long.path}`;
  throw new Refusal("context_length_exceeded", {
    param,
    message: `This model takes at most ${tokensMax} tokens; '${param}' has ${long.tokens}.`,
  });
}
