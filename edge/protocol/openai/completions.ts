import { endpointPaths } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { estimateTokens } from "../estimate.ts";
import { refuseLong } from "./bounds/context-length.ts";
import { boundPrompts } from "./bounds/prompts.ts";
import { estimateCompile } from "./members/structure/compile.ts";
import type { CompletionsBody } from "./members/completions.ts";
import type { EmbeddingsBody } from "./members/embeddings.ts";
import type { IgnoredMembers } from "./members/member.ts";
import { keepNested } from "./members/nested.ts";
import type { PromptInput } from "./members/prompt-input.ts";
import { findModel } from "./models.ts";
import {
  nothingGenerated,
  readAffinity,
  refuseStrayOptions,
  refuseSurelyLong,
  writeBody,
  type ParsedBody,
} from "./parsed-body.ts";
import { refuseCostlyScores } from "./scores.ts";

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

/** Reads the body of a completions call; throws a Refusal that names the field. */
export function readCompletions(
  sent: CompletionsBody,
  models: readonly ModelRecord[],
  ignored: IgnoredMembers,
): Omit<ParsedBody, "named"> {
  refuseStrayOptions(sent);
  const model = findModel(models, sent.model, "completions");
  const body = keepNested(sent, model, ignored);
  const prompts = countPrompts(body.prompt);
  const completionTokens = body.max_tokens ?? completionTokensDefault;
  if (completionTokens === 0 && !body.echo) {
    throw new Refusal("invalid_value", {
      param: "max_tokens",
      message: "'max_tokens' must be at least 1; 0 is for 'echo', which gives the prompt back.",
    });
  }
  // An engine has to have room for one token, even where it is not asked for any.
  refuseLongPrompt("prompt", body.prompt, { model, completionTokens: Math.max(1, completionTokens) });
  const choices = (body.n ?? 1) * prompts;
  const text = joinPromptText(body.prompt);
  const bound = boundPrompts(body.prompt, { model, suffix: body.suffix });
  const promptTokensGuess = guessPrompts(body.prompt, text, bound);
  return {
    path: endpointPaths.completions.agent,
    model,
    body: writeBody(body, { model: model.id, max_tokens: completionTokens }),
    isStream: body.stream ?? false,
    prompts,
    choices,
    units: 0,
    promptTokensMax: bound,
    promptTokensGuess,
    completionTokens,
    isDefaultMax: false,
    hasImages: false,
    isScored: refuseCostlyScores(body, { promptTokens: promptTokensGuess, choices, completionTokens }, model),
    compileSeconds: estimateCompile(body),
    affinity: readAffinity(body, text),
    ignored,
  };
}

/** Reads the body of an embeddings call; throws a Refusal that names the field. */
export function readEmbeddings(
  body: EmbeddingsBody,
  models: readonly ModelRecord[],
  ignored: IgnoredMembers,
): Omit<ParsedBody, "named"> {
  const model = findModel(models, body.model, "embeddings");
  refuseLongPrompt("input", body.input, { model, isCut: body.truncate_prompt_tokens !== undefined });
  const text = joinPromptText(body.input);
  const bound = boundPrompts(body.input, { model });
  return {
    path: endpointPaths.embeddings.agent,
    model,
    body: writeBody(body, { model: model.id }),
    isStream: false,
    prompts: countPrompts(body.input),
    units: 0,
    promptTokensMax: bound,
    promptTokensGuess: guessPrompts(body.input, text, bound),
    ...nothingGenerated,
    affinity: text.slice(0, 1_024),
    ignored,
  };
}

/** A guess of how many tokens prompts have, whose text this is; ids are counted, since an engine adds none to them. */
function guessPrompts(prompt: PromptInput, text: string, bound: number): number {
  if (text.trim()) return estimateTokens(text);
  if (typeof prompt === "string") return bound;
  let ids = 0;
  for (const item of prompt) {
    if (typeof item === "string") return bound;
    ids += typeof item === "number" ? 1 : item.length;
  }
  return ids;
}

/** What a prompt has to fit into, and whether it is cut to that; `completionTokens` is null for endpoints without. */
interface PromptRoom {
  model: Pick<ModelRecord, "contextTokensMax">;
  isCut?: boolean;
  completionTokens?: number | null;
}

/**
 * Token ids need no tokenizer to be counted; a caller who wants a long prompt cut leaves it to the engine. Text that
 * cannot fit whatever a tokenizer makes of it costs no engine anything, cut or not.
 */
function refuseLongPrompt(
  field: "prompt" | "input",
  prompt: PromptInput,
  { model, isCut = false, completionTokens = null }: PromptRoom,
): void {
  if (typeof prompt === "string") refuseSurelyLong(prompt, field, model);
  else
    for (const [index, item] of prompt.entries())
      if (typeof item === "string") refuseSurelyLong(item, `${field}[${index}]`, model);
  const { contextTokensMax } = model;
  const long = isCut ? null : findLongPrompt(prompt, contextTokensMax - (completionTokens === null ? 0 : 1));
  if (!long) return;
  throw refuseLong(`${field}${long.path}`, { contextTokensMax, promptTokens: long.tokens, completionTokens });
}
