import { isObject, type JsonObject } from "../../agreements/json.ts";
import { tokenizedBytesMax } from "../../limits.ts";
import type { SentCall } from "../wires/wire.ts";
import { findEngineEndpoint, tokenizerPaths } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import type { Visit } from "../../visit.ts";
import { markModel } from "../openai/models.ts";
import type { ParsedBody } from "../openai/parsed-body.ts";
import { readParsedBody } from "../openai/read-body.ts";
import { renameRefusal } from "../wires/rename.ts";
import { wires } from "../wires/wires.ts";
import { NodeCount } from "./answers.ts";
import {
  makeQuestionCall,
  readQuestionBody,
  refuseUncountable,
  writeBy,
  type QuestionSource,
  type TokenizerCall,
} from "./question.ts";

/** The endpoints whose prompts callers may have counted before they call. */
export type CountedEndpoint = "messages" | "responses";

/** How each protocol says how long a prompt is (docs.anthropic.com/en/api/messages-count-tokens; OpenAI's). */
const writers: Readonly<Record<CountedEndpoint, (count: number) => JsonObject>> = {
  messages: (count) => ({ input_tokens: count }),
  responses: (count) => ({ object: "response.input_tokens", input_tokens: count }),
};

/**
 * Reads the body of a call of which only the prompt is to be counted, by its protocol's wire; throws as reading the
 * call would, and for what no tokenizer counts.
 */
export async function readCount(
  visit: Visit,
  endpoint: CountedEndpoint,
  { models, sender, recall }: Pick<QuestionSource, "models" | "sender" | "recall">,
): Promise<TokenizerCall> {
  const { json, exact, bytes } = await readQuestionBody(visit, sender);
  const sent = endpoint === "messages" ? addAnswerLength(json) : json;
  const wish = recall && wires[endpoint].readStorageWish?.(sent);
  const recalled = wish ? await recall(wish, tokenizedBytesMax - bytes.length) : null;
  const parsed = readPrompt(endpoint, { json: sent, exact, headers: visit.request.headers, recalled }, models);
  const call = markModel(parsed.named, () => makeQuestionCall(visit, { ...parsed, endpoint }));
  const { body } = parsed;
  const write = writeBy(NodeCount, ({ count }) => writers[endpoint](count));
  return { call, question: { path: tokenizerPaths.length, body, write } };
}

/** Only a call itself has to say how long its answer may be; a budget for reasoning is a part of that. */
function addAnswerLength(json: JsonObject): JsonObject {
  const { thinking } = json;
  const budget = isObject(thinking) ? thinking["budget_tokens"] : null;
  return { max_tokens: (typeof budget === "number" ? budget : 0) + 1, ...json };
}

function readPrompt(endpoint: CountedEndpoint, sent: SentCall, models: readonly ModelRecord[]): ParsedBody {
  const { json, exact, rename } = wires[endpoint].translate(sent);
  try {
    const parsed = readParsedBody(findEngineEndpoint(endpoint), { json, exact }, models);
    markModel(parsed.named, () => refuseUncountable(parsed));
    return parsed;
  } catch (failure) {
    throw failure instanceof Refusal ? renameRefusal(failure, rename) : failure;
  }
}
