import { buildErrorBody, type Refusal } from "../../errors.ts";
import { nameInMessage } from "../wires/rename.ts";
import type { Wire } from "../wires/wire.ts";

const encoder = new TextEncoder();

/**
 * The body of a refusal as Ollama's clients read it: the text under `error`, which names the member, and beside it what
 * programs switch on.
 */
export function buildOllamaError(refusal: Refusal) {
  const { message, type: _, ...facts } = buildErrorBody(refusal).error;
  return { error: nameInMessage(refusal, message), ...facts };
}

/**
 * What Ollama's endpoints have in common (its docs/api.md, "Streaming responses"): streams are lines of JSON. Clients
 * parse each line, empty ones too, so there is no sign of life among them, and the line that tells of a failure has
 * none before it. Where a stream broke off within a line, both together are no JSON: clients throw on that as well.
 */
export const ollamaForm: Omit<Wire, "translate"> = {
  buildError: buildOllamaError,
  readStatus: ({ status }) => status,
  addHeaders: (headers) => ({ ...headers }),
  stream: {
    contentType: "application/x-ndjson",
    headers: { "content-type": "application/x-ndjson", "cache-control": "no-cache, no-store, no-transform" },
    waitSign: null,
    encodeError: (refusal) => encoder.encode(`${JSON.stringify(buildOllamaError(refusal))}\n`),
  },
};
