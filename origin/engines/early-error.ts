import type { IncomingMessage } from "node:http";
import { isObject } from "#edge/protocol/owned.ts";

/** What an engine said instead of a stream: the status that it would have had, and the text of that answer. */
export interface EarlyError {
  status: number;
  text: string;
}

const begin = "data: {\"error\"";

/**
 * Looks at the first bytes of a stream without taking them. An error event there is a refusal that came too late for its status line: nothing was made,
 * and the caller is told as if the status had come. `null` when anything else comes first, or nothing for `msMax`: then the stream is passed on.
 */
export function earlyError(answer: IncomingMessage, msMax: number): Promise<EarlyError | null> {
  return new Promise((resolve) => {
    const look = () => {
      clearTimeout(timer);
      answer.off("readable", look).off("end", look).off("error", look).off("close", look);
      const bytes: unknown = answer.readableEnded || answer.destroyed ? null : answer.read();
      const text = Buffer.isBuffer(bytes) ? bytes.toString("utf8") : "";
      const found = text.startsWith(begin) ? readError(text.slice(6).split("\n\n")[0] ?? "") : null;
      // In the same breath as read(): a stream that has been read to its end would end before it got this back.
      if (!found && Buffer.isBuffer(bytes)) answer.unshift(bytes);
      resolve(found);
    };
    const timer = setTimeout(look, msMax);
    answer.on("readable", look).on("end", look).on("error", look).on("close", look);
  });
}

function readError(payload: string): EarlyError | null {
  try {
    const json: unknown = JSON.parse(payload);
    const error = isObject(json) && isObject(json["error"]) ? json["error"] : {};
    const { code } = error;
    return typeof code === "number" && code >= 400 && code <= 599 ? { status: code, text: payload } : null;
  } catch {
    return null;
  }
}
