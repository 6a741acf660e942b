import { isObject, parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { Refusal } from "#edge/errors.ts";
import { isError } from "../answer-parts.ts";
import { readAnswerText } from "../../engines/http/client.ts";
import type { LiveCall } from "../live-call.ts";
import { askMedia } from "./ask-media.ts";
import type { MediaAnswer } from "./transcribe.ts";

/** Ten pictures of some megabytes each, in base64. */
const answerBytesMax = 64 * 1024 * 1024;
const shownMembers = ["background", "output_format", "quality", "size"];

/**
 * Has the engine make pictures. What comes back are those in its answer, as base64, at most as many as were asked for:
 * an address would lie in the node's network. Throws 502 where there is none.
 */
export async function makeImages(call: LiveCall): Promise<MediaAnswer> {
  const { body } = call.prepared;
  const engineAnswer = await askMedia(call, { fields: { ...body, response_format: "b64_json" } });
  const answer = parseObject(await readAnswerText(engineAnswer, answerBytesMax));
  const list = answer && !isError(answer) && Array.isArray(answer["data"]) ? answer["data"] : [];
  const imagesMax = typeof body["n"] === "number" ? body["n"] : 1;
  const data = list.filter(isObject).filter(isImage).slice(0, imagesMax).map(keepImage);
  if (!answer || data.length === 0) throw new Refusal("bad_gateway", { log: "engine_answer_unusable" });
  const { created } = answer;
  const seconds = Number.isSafeInteger(created) ? created : Math.floor(call.startedAtMs / 1_000);
  const rest = Object.fromEntries(
    shownMembers.flatMap((name) => (typeof answer[name] === "string" ? [[name, answer[name]]] : [])),
  );
  return { text: JSON.stringify({ created: seconds, data, ...rest }), type: "application/json", units: data.length };
}

function isImage(item: JsonObject): boolean {
  return typeof item["b64_json"] === "string" && item["b64_json"] !== "";
}

function keepImage({ b64_json, revised_prompt }: JsonObject): JsonObject {
  return { b64_json, ...(typeof revised_prompt === "string" && { revised_prompt }) };
}
