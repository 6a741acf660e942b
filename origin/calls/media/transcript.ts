import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { Refusal } from "#edge/errors.ts";

/** A stretch of a transcript, in seconds from the beginning. */
interface Segment {
  start: number;
  end: number;
  text: string;
}

/** How long an engine says that its audio was, in whole seconds, rounded up; null where it says nothing. */
export function readSeconds({ usage, duration }: JsonObject): number | null {
  const reported = isObject(usage) && usage["type"] === "duration" ? usage["seconds"] : duration;
  const seconds = typeof reported === "string" && /^\d{1,9}(?:\.\d+)?$/.test(reported) ? Number(reported) : reported;
  return typeof seconds === "number" && seconds >= 0 && Number.isFinite(seconds) ? Math.ceil(seconds) : null;
}

/**
 * Writes an engine's transcript in the form that its caller wants: `json`, `text`, `verbose_json`, `srt` (SubRip) or
 * `vtt` (WebVTT); `seconds` is what is billed. Throws 502 for one without times where times are asked for.
 */
export function writeTranscript(answer: JsonObject, format: string, seconds: number): string {
  const text = typeof answer["text"] === "string" ? answer["text"] : "";
  if (format === "text") return `${text}\n`;
  if (format === "srt") return writeSrt(readSegments(answer));
  if (format === "vtt") return writeVtt(readSegments(answer));
  const usage = { type: "duration", seconds };
  if (format !== "verbose_json") return JSON.stringify({ text, usage });
  const { task, language, duration, segments, words } = answer;
  const known = { ...(task !== undefined && { task }), ...(language !== undefined && { language }) };
  const times = {
    ...(Array.isArray(segments) && { segments }),
    ...(Array.isArray(words) && { words }),
  };
  // vLLM writes the length as text.
  const length = Number(duration);
  return JSON.stringify({ ...known, duration: Number.isFinite(length) ? length : seconds, text, ...times, usage });
}

function readSegments({ segments }: JsonObject): Segment[] {
  const isSegment = (value: unknown): value is JsonObject & Segment =>
    isObject(value) &&
    Number.isFinite(value["start"]) &&
    Number.isFinite(value["end"]) &&
    typeof value["text"] === "string";
  if (!Array.isArray(segments) || !segments.every(isSegment))
    throw new Refusal("bad_gateway", { log: "engine_without_times" });
  return segments;
}

function writeSrt(segments: readonly Segment[]): string {
  return segments
    .map(
      ({ start, end, text }, at) => `${at + 1}\n${writeTime(start, ",")} --> ${writeTime(end, ",")}\n${clean(text)}\n`,
    )
    .join("\n");
}

function writeVtt(segments: readonly Segment[]): string {
  const cues = segments.map(
    ({ start, end, text }) =>
      `${writeTime(start, ".")} --> ${writeTime(end, ".")}\n${clean(text).replaceAll("-->", "→")}\n`,
  );
  return `WEBVTT\n\n${cues.join("\n")}`;
}

/** A blank line would end the cue. */
function clean(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, "\n");
}

function writeTime(seconds: number, point: "," | "."): string {
  const ms = Math.max(0, Math.round(seconds * 1_000));
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const rest = String(ms % 1_000).padStart(3, "0");
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1_000) % 60)}${point}${rest}`;
}
