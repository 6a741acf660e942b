import type { Wire } from "../wires/wire.ts";
import { buildError, readStatus } from "./errors.ts";
import { addHeaders } from "./headers.ts";
import { messagesStream } from "./stream.ts";
import { translateMessages } from "./translate.ts";

/** Anthropic's Messages API, which is read as a chat. */
export const messagesWire: Wire = {
  translate: translateMessages,
  buildError,
  readStatus,
  addHeaders,
  stream: messagesStream,
};
