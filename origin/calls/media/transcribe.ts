import { parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { endpointPaths } from "#edge/agreements/paths.ts";
import { Refusal } from "#edge/errors.ts";
import { transcriptTypes, type TranscriptFormat } from "#edge/protocol/media/formats.ts";
import { leastSeconds } from "#edge/protocol/media/seconds.ts";
import { isError } from "../answer-parts.ts";
import { readAnswerText } from "../../engines/http/client.ts";
import type { LiveCall } from "../live-call.ts";
import { askMedia } from "./ask-media.ts";
import { readSeconds, writeTranscript } from "./transcript.ts";

const answerBytesMax = 16 * 1024 * 1024;
const translations = endpointPaths["audio.translations"].agent;

/** A whole answer as it goes out: its text, the media type, and how many units were served. */
export interface MediaAnswer {
  text: string;
  type: string;
  units: number;
}

/**
 * Has the engine write down what is said. It is asked for JSON whatever the caller wants, since that says how long the
 * audio is, and the caller's form is written here. A translation's plain JSON does not say it (vLLM), so its longer
 * form is asked for, and the plain one of a model that has no times.
 */
export async function transcribe(call: LiveCall): Promise<MediaAnswer> {
  const { path, media } = call.prepared;
  const format = readFormat(media?.format ?? null);
  const needsTimes = format !== "json" && format !== "text";
  const answer =
    needsTimes || path !== translations
      ? await ask(call, needsTimes ? "verbose_json" : "json")
      : await ask(call, "verbose_json").catch((cause: unknown) => askAgain(call, cause));
  const least = media?.file ? leastSeconds(media.file) : 1;
  const units = Math.min(readSeconds(answer) ?? least, countMost(call));
  return { text: writeTranscript(answer, format, units), type: `${transcriptTypes[format]}${charset(format)}`, units };
}

function charset(format: TranscriptFormat): string {
  return transcriptTypes[format].startsWith("text/") ? "; charset=utf-8" : "";
}

function readFormat(format: string | null): TranscriptFormat {
  const isFormat = (name: string | null): name is TranscriptFormat =>
    name !== null && Object.hasOwn(transcriptTypes, name);
  return isFormat(format) ? format : "json";
}

function askAgain(call: LiveCall, cause: unknown): Promise<JsonObject> {
  if (cause instanceof Refusal && cause.details.param === "response_format") return ask(call, "json");
  throw cause;
}

async function ask(call: LiveCall, format: "json" | "verbose_json"): Promise<JsonObject> {
  const { body, media } = call.prepared;
  const fields = { ...body, response_format: format };
  const engineAnswer = await askMedia(call, { fields, file: media?.file ?? null });
  const answer = parseObject(await readAnswerText(engineAnswer, answerBytesMax));
  if (!answer || isError(answer) || typeof answer["text"] !== "string")
    throw new Refusal("bad_gateway", { log: "engine_answer_unusable" });
  return answer;
}

/** What was held, and as much again: more is never booked (settle.ts at the edge), so no more is told either. */
function countMost({ claims }: LiveCall): number {
  return Math.floor((2 * claims.tokensHeld) / Math.max(1, claims.unitTokens ?? 1));
}
