import { responsesWire } from "#edge/protocol/openai/responses/wire.ts";
import type { AnswerWire } from "../wire.ts";
import { nameResponse } from "./response.ts";
import { ResponseTranslator } from "./stream.ts";
import { buildWholeResponse } from "./whole.ts";

/** How the answers of `POST /v1/responses` are written. */
export const responsesAnswers: AnswerWire = {
  form: responsesWire.stream,
  nameAnswer: (reference) => nameResponse({ reference }),
  openTranslator: (context) => new ResponseTranslator(context),
  buildWhole: buildWholeResponse,
};
