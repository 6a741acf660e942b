import { randomBytes } from "node:crypto";
import type { CallContext } from "../calls/generate-answer.ts";
import type { StreamWriter } from "../calls/stream-writer.ts";
import type { MediaOutput } from "../options.ts";
import { makeInvalid, makeProblem } from "../problems.ts";
import { admit, type ServedModel, type ServedModels } from "../served-model.ts";
import type { OracleRecord } from "../text/oracle.ts";
import { drawImage } from "./png.ts";
import { countSpokenMs, speak, speechRate } from "./speak.ts";
import { hear } from "./transcribe.ts";
import { writeWavHead } from "./wav.ts";

/** Which models answer at each path of sound or pictures. */
export const mediaOutputs: Readonly<Record<string, MediaOutput>> = {
  "/v1/audio/transcriptions": "transcripts",
  "/v1/audio/translations": "transcripts",
  "/v1/audio/speech": "speech",
  "/v1/images/generations": "images",
};

/** A call of such a path, and where its answer goes. */
export interface MediaExchange {
  path: string;
  raw: Readonly<Record<string, unknown>>;
  models: ServedModels;
  record: OracleRecord;
  writer: StreamWriter;
}

/** What an answer takes of the model's time, and how it can be left. */
export type MediaContext = Pick<CallContext, "sleep" | "isLeft" | "now">;

/** Sound is sent in pieces of this length. */
const pieceMs = 250;
const imagesMax = 10;

/** Answers a call, and says how that ended. Throws a Problem for one that is refused. */
export async function answerMedia(exchange: MediaExchange, context: MediaContext): Promise<OracleRecord["outcome"]> {
  const { path, raw, models, record } = exchange;
  const output = mediaOutputs[path] ?? "images";
  const model = models.findBy(output, typeof raw["model"] === "string" ? raw["model"] : null);
  admit(model, 1);
  record.id = `${output}-${randomBytes(8).toString("hex")}`;
  if (output === "speech") return answerSpeech(exchange, model, context);
  const [json, steps] = output === "transcripts" ? hear(path, raw) : makeImages(raw, context);
  await context.sleep(steps * model.engine.profile.stepMs);
  if (context.isLeft()) return "cancelled";
  return exchange.writer.whole(200, json) ? "completed" : "failed";
}

async function answerSpeech(
  { raw, writer }: MediaExchange,
  model: ServedModel,
  context: MediaContext,
): Promise<OracleRecord["outcome"]> {
  const { input, response_format: format = "wav", speed = 1 } = raw;
  if (typeof input !== "string" || input === "") throw makeMissing("input", raw);
  if (format !== "wav" && format !== "pcm") throw makeProblem("Only 'wav' and 'pcm' are spoken", "response_format");
  const ms = countSpokenMs(input, typeof speed === "number" ? speed : 1);
  writer.openSound(format === "wav" ? "audio/wav" : "audio/pcm");
  if (format === "wav") writer.sound(writeWavHead((ms * speechRate) / 1_000, speechRate));
  for (let at = 0; at < ms && writer.isOpen; at += pieceMs) {
    await context.sleep(model.engine.profile.stepMs);
    if (context.isLeft()) return "cancelled";
    writer.sound(speak(at, Math.min(pieceMs, ms - at)));
  }
  writer.end();
  return writer.isDone ? "completed" : "failed";
}

function makeImages(raw: MediaExchange["raw"], { now }: Pick<MediaContext, "now">): [json: string, steps: number] {
  const { prompt, n = 1 } = raw;
  if (typeof prompt !== "string" || prompt === "") throw makeMissing("prompt", raw);
  if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || n > imagesMax)
    throw makeProblem(`n must be from 1 to ${imagesMax}`, "n");
  const data = Array.from({ length: n }, (_, at) => ({ b64_json: drawImage(`${prompt} ${at}`).toString("base64") }));
  return [JSON.stringify({ created: Math.floor(now() / 1_000), data }), 4 * n];
}

function makeMissing(name: string, raw: MediaExchange["raw"]) {
  return makeInvalid([{ type: "missing", loc: `body.${name}`, msg: "Field required", input: raw }]);
}
