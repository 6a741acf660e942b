import type { JsonObject } from "#edge/agreements/json.ts";
import type { CallPath } from "#edge/agreements/paths.ts";
import type { UploadedFile } from "#edge/protocol/media/upload.ts";
import type { CallSize } from "#edge/protocol/sequences.ts";
import type { MeterBounds } from "./usage-meter.ts";

/** What a call with sound or pictures is, beside what every call is made ready for. */
export interface PreparedMedia {
  file: UploadedFile | null;
  /** In what form its caller wants the answer, by OpenAI's name; null for the usual one. */
  format: string | null;
}

/** A call made ready for one engine. `body` is ours: built from the edge's, field by field. */
export interface PreparedCall {
  path: CallPath;
  body: JsonObject;
  /** What the caller asked for, and what the engine is asked for: whole answers are put together from a stream. */
  isStream: boolean;
  isEngineStream: boolean;
  /** The caller wants no reasoning. It is asked for all the same, counted, and hidden by us. */
  hidesReasoning: boolean;
  /** What an answer of another protocol repeats of its request; null for all others. */
  repeated: JsonObject | null;
  wantsUsage: boolean;
  wantsContinuousUsage: boolean;
  /** The engine is to score a long prompt: one at a time is enough for it. */
  isLongScore: boolean;
  /** The engine compiles a grammar before the first token. */
  isStructured: boolean;
  /** Over all prompts. */
  choices: number;
  size: CallSize;
  /** What the call is measured in where that is no token, as far as its body says. */
  units: number;
  /** Of a call with sound or pictures alone. */
  media?: PreparedMedia;
  bounds: MeterBounds;
}
