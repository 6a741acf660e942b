import { endpointPaths } from "#edge/agreements/paths.ts";
import { Refusal } from "#edge/errors.ts";
import { nameSpeechType, speechTypes, type SpeechFormat } from "#edge/protocol/media/formats.ts";
import type { EngineAnswer } from "../../engines/http/connection.ts";
import { buildCallHeaders, commitFinal, refuseLeft, type LiveCall } from "../live-call.ts";
import { readEnding } from "../stream/stream-answer.ts";
import { openEventWriter } from "../stream/writer/event-writer.ts";
import { startKeepAlive } from "../whole/whole-answer.ts";
import { askMedia } from "./ask-media.ts";
import { makeImages } from "./make-images.ts";
import { passSound } from "./pass-sound.ts";
import { transcribe } from "./transcribe.ts";

/**
 * Answers a call with sound or pictures. Throws a Refusal while nothing has been sent. After that a failure can only be
 * shown by closing the connection; the final record is written before the last byte, and says what was served: of a
 * failure of ours nothing, of who left what the engine was given (prepare-media.ts).
 */
export function serveMedia(call: LiveCall): Promise<void> {
  return call.prepared.path === endpointPaths["audio.speech"].agent ? serveSpeech(call) : serveDocument(call);
}

async function serveSpeech(call: LiveCall): Promise<void> {
  const { rooms, prepared, response, controller, meter } = call;
  const { streamIdleMsMax: idleMsMax } = rooms.config.limits;
  const engineAnswer = await askMedia(call, { fields: prepared.body });
  const type = await waitForSound(engineAnswer, prepared.media?.format ?? null, idleMsMax);
  if (controller.signal.aborted) throw refuseLeft();
  response.writeHead(200, {
    "content-type": type,
    "cache-control": "no-store",
    "transfer-encoding": "chunked",
    ...buildCallHeaders(call),
  });
  response.flushHeaders();
  call.firstTokenAtMs = rooms.now();
  const writer = openEventWriter(response);
  const { outcome, refusal } = await passSound({ engineAnswer, writer, idleMsMax, signal: controller.signal });
  meter.noteUnits(outcome === "failed" ? 0 : prepared.units);
  commitFinal(call, outcome, refusal);
  if (outcome === "completed") writer.end("");
  else response.destroy();
}

/** The media type of the sound, once its first bytes are there: what breaks before them may be tried elsewhere. */
async function waitForSound(answer: EngineAnswer, format: string | null, msMax: number): Promise<string> {
  const wanted = isSpeechFormat(format) ? speechTypes[format] : null;
  const reported = answer.fields.get("content-type") ?? "";
  const type = nameSpeechType(reported) ?? (/^(?:application\/json|text\/)/i.test(reported) ? null : wanted);
  const hasSound = type !== null && (await answer.peek(msMax)) !== "";
  if (hasSound) return type;
  answer.destroy();
  throw new Refusal("bad_gateway", { log: type === null ? "engine_answer_unusable" : "engine_without_sound" });
}

function isSpeechFormat(format: string | null): format is SpeechFormat {
  return format !== null && Object.hasOwn(speechTypes, format);
}

/** Pictures and transcripts come in one piece. JSON is kept alive as every whole answer is; other text cannot be. */
async function serveDocument(call: LiveCall): Promise<void> {
  const { rooms, prepared, response, controller, meter } = call;
  const buildHeaders = (type: string) => ({
    "content-type": type,
    "cache-control": "no-store",
    ...buildCallHeaders(call),
  });
  const isJson = !["text", "srt", "vtt"].includes(prepared.media?.format ?? "json");
  const json = () => buildHeaders("application/json");
  const stopKeepAlive = isJson
    ? startKeepAlive(response, rooms.config.limits, json, rooms.metrics.notePing)
    : () => undefined;
  try {
    const { text, type, units } = await (prepared.media?.file ? transcribe(call) : makeImages(call));
    if (controller.signal.aborted) throw refuseLeft();
    meter.noteUnits(units);
    if (!response.headersSent)
      response.writeHead(200, { ...buildHeaders(type), "content-length": Buffer.byteLength(text) });
    commitFinal(call, "completed", null);
    response.end(text);
  } catch (error) {
    if (!response.headersSent) throw error;
    const { aborted, reason } = controller.signal;
    const outcome = aborted ? readEnding(reason).outcome : "failed";
    meter.noteUnits(outcome === "failed" ? 0 : prepared.units);
    commitFinal(call, outcome, error instanceof Refusal ? error : null);
    response.destroy();
  } finally {
    stopKeepAlive();
  }
}
