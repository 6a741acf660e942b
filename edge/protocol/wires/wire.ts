import type { JsonObject } from "../../agreements/json.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import type { Refusal } from "../../errors.ts";
import type { ReadBody } from "../body.ts";
import type { IgnoredMembers } from "../openai/members/member.ts";

/** How a stream of a protocol is written, but for its events. */
export interface StreamForm {
  contentType: "text/event-stream" | "application/x-ndjson";
  headers: Readonly<Record<string, string>>;
  /** What keeps a silent connection open; null where a protocol knows nothing of the kind. */
  waitSign: Uint8Array | null;
  /** The last event of a stream that failed: its SDKs must not take what came before for the whole answer. */
  encodeError(refusal: Refusal): Uint8Array;
}

/**
 * What a call says of storage: the response that it goes on from, whether it is to be stored, null where it does not
 * say, and the stored items that it refers to, each once.
 */
export interface StorageWish {
  previous: string | null;
  store: boolean | null;
  references: readonly string[];
}

/** What storage has for a call: the items before its own, the oldest first; those it refers to; will it be stored? */
export interface Recalled {
  earlier: readonly JsonObject[];
  referenced: ReadonlyMap<string, JsonObject>;
  isStored: boolean;
}

/** Finds what storage has for a call, so many bytes of it at most; at once where nothing has to be asked for. */
export type Recall = (wish: StorageWish, bytesMax: number) => Recalled | Promise<Recalled>;

/** What is stored of a call beside its answer. */
export interface KeptCall {
  input: JsonObject[];
  previous: string | null;
}

/** A body as the protocol has it, and what else of the request says something of the call; models by their names. */
export type SentCall = Pick<ReadBody, "json" | "exact"> & {
  headers: Headers;
  models?: readonly Pick<ModelRecord, "id" | "aliases">[];
  /** What storage has for it; null where it was not asked. */
  recalled?: Recalled | null;
};

/** A body as the engines' endpoint has it (`findEngineEndpoint`). */
export interface TranslatedCall {
  json: unknown;
  exact: JsonObject | null;
  /** What the answer has to repeat of the request; null where it repeats nothing. */
  answer: JsonObject | null;
  /** The caller's own name for a member of the translated body, such as `messages[2].content`. */
  rename(param: string): string;
  /** Members that the protocol does not know; none where the tables of the engines' endpoint find them all. */
  ignored?: IgnoredMembers;
  early?: EarlyAnswer;
  /** Present where the answer is to be stored. */
  kept?: KeptCall;
}

/**
 * Builds the answer of a call for which nothing is to be generated: no engine is asked, and nothing is held. `model` is
 * the model's public id, `nowMs` in Unix ms.
 */
export type EarlyAnswer = (model: string, nowMs: number) => JsonObject;

/**
 * What the callers of one protocol send and read. A protocol is a translation at both ends of the same road: the edge
 * reads its calls as those of an endpoint that engines know, the agent writes their answers in its form
 * (origin/calls/wires), and what is refused or breaks is told in its words by both.
 */
export interface Wire {
  /** Reads what a body says of storage, where the protocol knows any; null where it is to be left alone. */
  readStorageWish?(json: unknown): StorageWish | null;
  /** Reads a call; throws a Refusal that names the member as the caller does. */
  translate(sent: SentCall): TranslatedCall;
  /** Builds the body of an error answer. */
  buildError(refusal: Refusal, requestId: string): unknown;
  /** The status of an error answer. */
  readStatus(refusal: Refusal): number;
  /** Adds to the headers of an answer those that the protocol's SDKs read; `nowMs` is in Unix ms. */
  addHeaders(headers: Readonly<Record<string, string>>, nowMs: number): Readonly<Record<string, string>>;
  stream: StreamForm;
}
