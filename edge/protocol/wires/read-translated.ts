import { isObject } from "../../agreements/json.ts";
import { answerMember, type EngineEndpoint } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { markModel } from "../openai/models.ts";
import type { ParsedBody } from "../openai/parsed-body.ts";
import { readParsedBody } from "../openai/read-body.ts";
import { refuseManySequences } from "../sequences.ts";
import { renameWithin } from "./rename.ts";
import type { TranslatedCall } from "./wire.ts";

/** Reads a body as engines know it; what is wrong with it is told by the caller's own names. */
export function readTranslated(
  endpoint: EngineEndpoint,
  { json, exact, answer, ignored, rename }: TranslatedCall,
  models: readonly ModelRecord[],
): ParsedBody {
  return renameWithin(rename, () => {
    const parsed = readParsedBody(endpoint, { json, exact }, models);
    markModel(parsed.named, () => {
      refuseManySequences(parsed, parsed.model);
      refuseLongCompletion(endpoint, json, parsed);
    });
    if (ignored) parsed.ignored.addAll(ignored);
    return answer === null ? parsed : { ...parsed, body: { ...parsed.body, [answerMember]: answer } };
  });
}

function refuseLongCompletion(endpoint: EngineEndpoint, json: unknown, { model, completionTokens }: ParsedBody): void {
  if (completionTokens <= model.contextTokensMax) return;
  const isNew = endpoint !== "completions" && isObject(json) && json["max_completion_tokens"];
  const param = isNew ? "max_completion_tokens" : "max_tokens";
  throw new Refusal("context_length_exceeded", {
    param,
    message:
      `This model's maximum context length is ${model.contextTokensMax} tokens. However, you requested ` +
      `${completionTokens} tokens in the completion alone. Please reduce the length of the completion.`,
  });
}
