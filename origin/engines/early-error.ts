import { isObject } from "#edge/agreements/json.ts";
import type { EngineAnswer } from "./http/connection.ts";

/** An error that came instead of a stream: the status it should have had, and its text. */
export interface EarlyError {
  status: number;
  text: string;
}

const errorStart = 'data: {"error"';

/**
 * Looks at the first bytes of a stream without taking them. An error event there is a refusal that came too late for
 * its status line: nothing was generated, and the caller is answered as if the status had come in time. `null` when
 * anything else comes first, or nothing for `msMax`: then the stream is passed on.
 */
export async function detectEarlyError(answer: EngineAnswer, msMax: number): Promise<EarlyError | null> {
  const first = await answer.peek(msMax);
  if (!first.startsWith(errorStart)) return null;
  return parseEarlyError(Buffer.from(first, "latin1").toString("utf8").slice(6).split("\n\n")[0] ?? "");
}

function parseEarlyError(payload: string): EarlyError | null {
  try {
    const json: unknown = JSON.parse(payload);
    const error = isObject(json) && isObject(json["error"]) ? json["error"] : {};
    const { code } = error;
    return typeof code === "number" && code >= 400 && code <= 599 ? { status: code, text: payload } : null;
  } catch {
    return null;
  }
}
