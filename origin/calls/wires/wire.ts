import type { JsonObject } from "#edge/agreements/json.ts";
import type { Refusal } from "#edge/errors.ts";
import type { StreamForm } from "#edge/protocol/wires/wire.ts";
import type { PayloadReader } from "../stream/stream-answer.ts";

/** A stream as its caller reads it: what it passes on comes back from `read`, Latin-1 as payloads are. */
export interface AnswerStream extends PayloadReader {
  form: StreamForm;
  /** What ends a whole stream; to be called once what was used is known. */
  finish(): string;
  /** What ends a stream that broke; "" where nobody is to be told. */
  fail(refusal: Refusal | null): string;
}

/** What was used, as it is billed. `cached` is a part of `prompt`, `reasoning` of `completion`. */
export interface AnswerUsage {
  prompt: number;
  cached: number;
  completion: number;
  reasoning: number;
}

/** What an answer of another protocol tells of its call. Times are Unix ms. */
export interface AnswerContext {
  /** 22 characters that are this call's alone, for ids. */
  reference: string;
  /** The public id of the model. */
  model: string;
  /** What the answer repeats of the request (`answerMember`). */
  repeated: JsonObject;
  startedAtMs: number;
  now(): number;
  /** As far as it is known by now; the prompt is the edge's guess until an engine has counted it. */
  readUsage(): AnswerUsage;
  /** When the engine's first token came, in Unix ms; null as long as none has. */
  readFirstTokenAtMs(): number | null;
}

/** Writes the events of one stream, choice by choice of the engine's chunks. There is one choice. */
export interface EventTranslator {
  /** What comes before the first. */
  begin(): string;
  /** The events of one choice of a chunk: `delta`, `finish_reason`, `logprobs`; "" for none. */
  add(choice: JsonObject): string;
  /** What comes behind the last. */
  end(): string;
  /** What ends a stream that broke, in place of the form's error event, where more is to be told than that. */
  fail?(refusal: Refusal): string;
}

/** How the answers of one protocol are written. */
export interface AnswerWire {
  form: StreamForm;
  /** The id that a caller sees of the answer with this reference; null where the protocol shows none. */
  nameAnswer(reference: string): string | null;
  openTranslator(context: AnswerContext): EventTranslator;
  /** The whole answer for this one of an engine (`chat.completion`, `list`). */
  buildWhole(answer: JsonObject, context: AnswerContext): JsonObject;
}
