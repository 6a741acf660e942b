import { buildErrorBody } from "../../errors.ts";
import { encodeErrorEvent, streamHeaders, waitComment } from "../sse.ts";
import type { Wire } from "./wire.ts";

/** OpenAI's own endpoints, which engines know: nothing is translated. */
export const openaiWire: Wire = {
  translate: ({ json, exact }) => ({ json, exact, answer: null, rename: (param) => param }),
  buildError: buildErrorBody,
  readStatus: ({ status }) => status,
  addHeaders: (headers) => headers,
  stream: {
    contentType: "text/event-stream",
    headers: streamHeaders,
    waitSign: waitComment,
    encodeError: encodeErrorEvent,
  },
};
