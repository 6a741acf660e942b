import type { CallPath } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { stripReserved } from "./reserved-fields.ts";

/** What a call's body says, in our terms, and the body to send to the origin. */
export interface ParsedBody {
  /** The path on the agent. */
  path: CallPath;
  model: ModelRecord;
  body: Record<string, unknown>;
  isStream: boolean;
  /** How many completions are requested, over all prompts. */
  choices: number;
  /** Upper bound and estimate of the prompt, in tokens. */
  promptTokensMax: number;
  promptTokensGuess: number;
  /** For each choice. */
  completionTokens: number;
  isDefaultMax: boolean;
  hasImages: boolean;
  /**
   * The prompt's first kilobyte, or the caller's own `prompt_cache_key`: calls with the same value share a prefix
   * cache.
   */
  affinity: string;
}

/** The body for the origin: the caller's members without reserved and null ones, then ours on top. */
export function writeBody(body: Record<string, unknown>, ours: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries({ ...stripReserved(body), ...ours }).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(kept);
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

/** What decides which node has the prompt in its prefix cache. */
export function readAffinity(body: Record<string, unknown>, text: string): string {
  const own = body.prompt_cache_key;
  return typeof own === "string" && own !== "" ? own.slice(0, 1_024) : text.slice(0, 1_024);
}
