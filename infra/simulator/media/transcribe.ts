import { createHash } from "node:crypto";
import { makeInvalid, makeProblem } from "../problems.ts";

const words = "the well lies deep under a quiet road where birds sing and water runs slow until night".split(" ");
/** A word for each half second. */
const wordsPerSecond = 2;
const segmentSeconds = 10;
/** What is no WAV is taken for sound of 128 kbit/s. */
const packedRate = 16_000;

/**
 * What is heard in a file, as vLLM writes it, and how many steps that took: words that follow from the file's bytes, as
 * many as fit its length. Throws vLLM's 400 for a file that is none, and for a form of the answer that vLLM lacks.
 */
export function hear(path: string, raw: Readonly<Record<string, unknown>>): [json: string, steps: number] {
  const { file, response_format: format = "json" } = raw;
  if (!Buffer.isBuffer(file))
    throw makeInvalid([{ type: "missing", loc: "body.file", msg: "Field required", input: raw }]);
  if (format !== "json" && format !== "text" && format !== "verbose_json")
    throw makeProblem("Currently only support response_format: `text`, `json` or `verbose_json`");
  const seconds = measure(file);
  const text = write(file, seconds);
  const isTranslation = path.endsWith("translations");
  const usage = { type: "duration", seconds: Math.ceil(seconds) };
  const answer =
    format === "verbose_json"
      ? { duration: String(seconds), language: "en", text, segments: cut(text, seconds), words: null }
      : { text, ...(!isTranslation && { usage }) };
  return [JSON.stringify(answer), 1 + Math.ceil(seconds / 30)];
}

function measure(file: Buffer): number {
  if (file.length === 0 || file.toString("latin1").startsWith("not audio"))
    throw makeProblem("Invalid or unsupported audio file.");
  const at = file.indexOf("data");
  if (file.toString("latin1", 0, 4) !== "RIFF" || at < 0) return file.length / packedRate;
  const bytesPerSecond = file.readUInt32LE(28);
  const told = file.readUInt32LE(at + 4);
  const left = file.length - at - 8;
  return (told === 0 || told > left ? left : told) / bytesPerSecond;
}

function write(file: Buffer, seconds: number): string {
  const seed = createHash("sha256").update(file).digest();
  const count = Math.max(1, Math.floor(seconds * wordsPerSecond));
  return Array.from({ length: count }, (_, at) => words[((seed[at % seed.length] ?? 0) + at) % words.length]).join(" ");
}

function cut(text: string, seconds: number) {
  const all = text.split(" ");
  const each = segmentSeconds * wordsPerSecond;
  return Array.from({ length: Math.ceil(all.length / each) }, (_, id) => ({
    id,
    avg_logprob: -0.25,
    compression_ratio: 1.2,
    start: id * segmentSeconds,
    end: Math.min(seconds, (id + 1) * segmentSeconds),
    no_speech_prob: null,
    seek: 0,
    temperature: 0,
    text: ` ${all.slice(id * each, (id + 1) * each).join(" ")}`,
    tokens: [],
  }));
}
