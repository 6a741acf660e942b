import { randomBytes } from "node:crypto";
import type { JsonObject } from "#edge/agreements/json.ts";
import { writeForm, type WrittenForm } from "#edge/protocol/media/write-form.ts";
import type { UploadedFile } from "#edge/protocol/media/upload.ts";
import { readAnswerText } from "../../engines/http/client.ts";
import type { EngineAnswer } from "../../engines/http/connection.ts";
import { translateError } from "../../engines/translate.ts";
import type { LiveCall } from "../live-call.ts";

const errorBytesMax = 256 * 1024;
/** A body of JSON, or of a form where a file goes with it. */
interface MediaQuestion {
  fields: JsonObject;
  file?: UploadedFile | null;
}

/**
 * Asks the engine, and resolves with an answer of status 200, or throws the engine's refusal in our words. Whoever
 * leaves ends the exchange, whenever that is.
 */
export async function askMedia(call: LiveCall, { fields, file = null }: MediaQuestion): Promise<EngineAnswer> {
  const { engine, prepared, claims, controller } = call;
  const { path } = prepared;
  const written: Pick<WrittenForm, "contentType"> & { bytes: string | Uint8Array } = file
    ? writeForm(fields, file, `penstock-${randomBytes(24).toString("hex")}`)
    : { bytes: JSON.stringify(fields), contentType: "application/json" };
  const answer = await engine.request({
    method: "POST",
    path,
    body: written.bytes,
    contentType: written.contentType,
    requestId: claims.hold,
    signal: controller.signal,
    onSent: () => void (call.isSent = true),
  });
  if (answer.status === 200) return answer;
  const text = await readAnswerText(answer, errorBytesMax);
  throw translateError(answer.status, text, { path, body: fields }, answer.fields.get("retry-after"));
}
