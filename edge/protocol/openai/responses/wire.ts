import { buildErrorBody, Refusal } from "../../../errors.ts";
import { openaiWire } from "../../wires/openai.ts";
import { renameByTable, renameRefusal } from "../../wires/rename.ts";
import type { Wire } from "../../wires/wire.ts";
import { readStorageWish } from "./storage.ts";
import { ownNames, translateResponses } from "./translate.ts";

/** Refusals that name a member as the caller wrote it, though a chat may have one of that name. */
const named = new WeakSet<Refusal>();

const encoder = new TextEncoder();

/** OpenAI's Responses API (`POST /v1/responses`), read as a chat. */
export const responsesWire: Wire = {
  ...openaiWire,
  readStorageWish: (json) => nameOwn(() => readStorageWish(json)),
  translate: (sent) => nameOwn(() => translateResponses(sent)),
  buildError: (refusal) => buildErrorBody(nameAsSent(refusal)),
  stream: {
    ...openaiWire.stream,
    // A blank line first, since the stream may have broken off within an event.
    encodeError: (refusal) => encoder.encode(`\n\n${writeErrorEvent(refusal, 0)}`),
  },
};

/**
 * The event that ends a stream which failed (OpenAI's `ResponseErrorEvent`): its SDKs throw on it. `sequence` is the
 * event's number; whoever only pipes the stream does not know it, and says 0.
 */
export function writeErrorEvent(refusal: Refusal, sequence: number): string {
  const { code, message, param } = buildErrorBody(nameAsSent(refusal)).error;
  return writeEvent({ type: "error", code, message, param, sequence_number: sequence });
}

/** One event as it goes over the wire: its type stands before it, as OpenAI's SDKs expect of `error`. */
export function writeEvent(event: { type: string; [member: string]: unknown }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function nameOwn<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (failure) {
    if (failure instanceof Refusal) named.add(failure);
    throw failure;
  }
}

/** Who refuses further down the road knows the chat alone. */
function nameAsSent(refusal: Refusal): Refusal {
  return named.has(refusal) ? refusal : renameRefusal(refusal, (param) => renameByTable(param, ownNames));
}
