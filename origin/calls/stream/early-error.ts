import { isObject, parseObject } from "#edge/agreements/json.ts";
import type { EngineAnswer } from "../../engines/http/connection.ts";
import { isError } from "../answer-parts.ts";
import { SseDecoder } from "./sse-decoder.ts";

/** An error that came instead of a stream: the status it should have had, and its text. */
export interface EarlyError {
  status: number;
  text: string;
}

/** What a stream that begins with an error has in its first bytes; most begin otherwise, and are not decoded twice. */
const errorStart = /"error"/;

/**
 * Looks at the first bytes of a stream without taking them. An error event there is a refusal that came too late for
 * its status line: nothing was generated, and the caller is answered as if the status had come in time. `null` when
 * anything else comes first, or nothing for `msMax`: then the stream is passed on.
 */
export async function detectEarlyError(answer: EngineAnswer, msMax: number): Promise<EarlyError | null> {
  const first = await answer.peek(msMax);
  if (!errorStart.test(first)) return null;
  const payload = new SseDecoder().push(first).find((text) => text.trim() !== "");
  return payload === undefined ? null : parseEarlyError(Buffer.from(payload, "latin1").toString("utf8"));
}

function parseEarlyError(payload: string): EarlyError | null {
  const json = parseObject(payload);
  if (json === null || !isError(json)) return null;
  const { code } = isObject(json["error"]) ? json["error"] : json;
  return typeof code === "number" && code >= 400 && code <= 599 ? { status: code, text: payload } : null;
}
