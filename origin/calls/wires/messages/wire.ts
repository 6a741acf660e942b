import { messagesStream } from "#edge/protocol/anthropic/stream.ts";
import type { AnswerWire } from "../wire.ts";
import { nameMessage } from "./message.ts";
import { openMessageEvents } from "./stream.ts";
import { buildMessage } from "./whole.ts";

/** How answers of Anthropic's Messages API are written. */
export const messagesAnswers: AnswerWire = {
  form: messagesStream,
  nameAnswer: nameMessage,
  openTranslator: openMessageEvents,
  buildWhole: buildMessage,
};
