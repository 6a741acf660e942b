import type { CallPath } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal, type NamedModel } from "../../errors.ts";
import { tokenBytesMax } from "../../limits.ts";
import type { UploadedFile } from "../media/upload.ts";
import { refuseLong } from "./bounds/context-length.ts";
import type { IgnoredMembers } from "./members/member.ts";

/** What a call's body says, in our terms, and the body to send to the origin. */
export interface ParsedBody {
  /** The path on the agent. */
  path: CallPath;
  model: ModelRecord;
  /** The same as the caller named it; no name where it was left out. */
  named: NamedModel;
  body: Record<string, unknown>;
  isStream: boolean;
  /** Prompts of a completion, inputs of an embedding; a chat is one. */
  prompts: number;
  /** How many completions are requested, over all prompts. */
  choices: number;
  /** Upper bound and estimate of the prompt, in tokens. */
  promptTokensMax: number;
  promptTokensGuess: number;
  /** What the call is measured in where that is no token (seconds, characters, images, documents): at most so many. */
  units: number;
  /** For each choice. */
  completionTokens: number;
  isDefaultMax: boolean;
  hasImages: boolean;
  /** Log-probabilities of the prompt are asked for: an engine keeps them for the whole prompt at once. */
  isScored: boolean;
  /** What compiling the answer's form costs the engine, in seconds of a core. */
  compileSeconds: number;
  /**
   * The prompt's first kilobyte, or the caller's own `prompt_cache_key`: calls with the same value share a prefix
   * cache.
   */
  affinity: string;
  /** Members that no table knows and that were not forwarded. */
  ignored: IgnoredMembers;
  /** Of a call with sound or pictures alone. */
  media?: MediaCall;
}

/** The file that a call brings beside its body, and the media type of its answer, or what that begins with. */
export interface MediaCall {
  file: UploadedFile | null;
  answerType: string;
}

/** What a call says for which nothing is generated: embeddings, rankings, media, what a tokenizer is asked. */
export const nothingGenerated = {
  choices: 0,
  completionTokens: 0,
  isDefaultMax: false,
  hasImages: false,
  isScored: false,
  compileSeconds: 0,
} as const;

/** The body for the origin: the caller's members, then ours on top, without those that say nothing. */
export function writeBody(body: Record<string, unknown>, ours: Record<string, unknown>): Record<string, unknown> {
  const whole = { ...body, ...ours };
  return Object.fromEntries(Object.entries(whole).filter(([name, value]) => value !== undefined && name !== cacheKey));
}

/** Refuses stream options of a call that is no stream. */
export function refuseStrayOptions(body: { stream?: boolean | null | undefined; stream_options?: unknown }): void {
  if (body.stream_options && !body.stream) {
    throw new Refusal("invalid_value", {
      param: "stream_options",
      message: "'stream_options' is only allowed when 'stream' is true.",
    });
  }
}

/** Read by us alone: which node has the prompt in its cache is no business of the engine's. */
const cacheKey = "prompt_cache_key";

/** What decides which node has the prompt in its prefix cache. */
export function readAffinity(body: Record<string, unknown>, text: string): string {
  const own = body[cacheKey];
  return typeof own === "string" && own !== "" ? own.slice(0, 1_024) : text.slice(0, 1_024);
}

/**
 * Refuses text that has more tokens than the model takes whatever a tokenizer makes of it: no token is longer than 128
 * bytes.
 */
export function refuseSurelyLong(text: string, param: string, model: Pick<ModelRecord, "contextTokensMax">): void {
  const promptTokens = Math.ceil(text.length / tokenBytesMax);
  const { contextTokensMax } = model;
  if (promptTokens <= contextTokensMax) return;
  throw refuseLong(param, { contextTokensMax, promptTokens, completionTokens: null, isAtLeast: true });
}
