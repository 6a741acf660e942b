import type { JsonObject } from "#edge/agreements/json.ts";
import type { Limits } from "#edge/agreements/records/quota.ts";

/** A call's answer, asked for as a stream or in one piece. */
export type Form = "stream" | "whole";

/**
 * What the caller does, or what befalls their call.
 *
 * - `reads`: takes the whole answer.
 * - `leaves`: hangs up after so many events of a stream; of a whole answer, once the engine has sent so many tokens.
 *   Each number is a call of its own.
 * - `leavesUnheard`: hangs up so many ms after the body was sent, whatever has come by then.
 * - `dawdles`: takes so many events, then none for a while, then hangs up.
 * - `repeats`: sends the call so many times with one `Idempotency-Key`, one after the other or all at once.
 * - `returns`: leaves after so many events or tokens, then sends the call again with the same `Idempotency-Key`.
 * - `crowds`: sends so many calls at once where one is allowed.
 * - `meets`: something breaks after so many events or tokens.
 */
export type Behaviour =
  | { does: "reads" }
  | { does: "leaves"; after: readonly number[] }
  | { does: "leavesUnheard"; afterMs: readonly number[] }
  | { does: "dawdles"; after: number }
  | { does: "repeats"; times: number; isAtOnce: boolean }
  | { does: "returns"; after: number }
  | { does: "crowds"; times: number }
  | { does: "meets"; breakage: Breakage; after: number };

/** What can break under a call. The first three are the engine's own faults, which only the simulator has on demand. */
export type Breakage =
  | "engineCuts"
  | "engineBreaksAChunk"
  | "engineErrs"
  | "hopCuts"
  | "agentDies"
  | "edgeDies"
  | "engineDies";

/**
 * What is billed.
 *
 * - `all`: the prompt, and each token of the answer, which came whole.
 * - `made`: the prompt, and each token that the engine had put on the wire when the call ended.
 * - `begun`: the same, where the call may have ended before an engine had it: then nothing.
 * - `prompt`: the prompt alone, since the engine tells nobody what it makes.
 * - `checkpoint`: what the node had told last, at most 256 tokens less than it made.
 * - `nothing`: no line on the bill, and no engine has made a token.
 */
export type Pays = "all" | "made" | "begun" | "prompt" | "checkpoint" | "nothing";

/** A way to get tokens cheaper, or so somebody hopes. Plain data: the simulator and a real vLLM are asked the same. */
export interface Way {
  name: string;
  path: string;
  body: JsonObject;
  /** Beside the key and the content type. */
  headers?: Readonly<Record<string, string>>;
  forms: readonly Form[];
  caller: Behaviour;
  pays: Pays;
  /** For readers of docs/metering.md. */
  why: string;
  /** The status of the answer, or of all of them; 200 unless set. A call that was left has none. */
  status?: number | readonly number[];
  /** It is a GET: what is asked stands in the path. */
  isRead?: true;
  /** The caller shows a client token in place of a key. */
  byClientToken?: true;
  /** What the org may use; all that it likes unless set. */
  limits?: Partial<Limits>;
  /** Tokens that the engine makes for each sequence, counts, and gives to nobody. */
  unseen?: number;
}

/** Both forms of an answer. */
export const both: readonly Form[] = ["stream", "whole"];
export const chatPath = "/v1/chat/completions";
export const completionsPath = "/v1/completions";
export const embeddingsPath = "/v1/embeddings";
export const text2sqlPath = "/text2sql";

/** Does the path answer as a stream, if it is asked to? */
export function mayStream(path: string): boolean {
  return !/embed|rerank|score|token/.test(path);
}

/** Are embeddings or scores made there, and no tokens? */
export function isUngenerated(path: string): boolean {
  return /embed|rerank|score/.test(path);
}

/** The model of the simulator that sees pictures and thinks before it speaks; no real engine here does. */
export const sightModel = "sight";

/** The body of a way in one form. */
export function writeBody({ body, path }: Way, form: Form): JsonObject {
  return mayStream(path) ? { ...body, stream: form === "stream" } : body;
}
