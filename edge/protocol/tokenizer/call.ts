import type { Visit } from "../../visit.ts";
import { readCount } from "./count.ts";
import type { QuestionSource, TokenizerCall } from "./question.ts";
import { readDetokenize, readTokenize, readTraits } from "./tokens.ts";

/** What callers may ask of a model's tokenizer. */
export type TokenizerTask = "countMessages" | "countResponse" | "tokenize" | "detokenize" | "describe";

const readers: Readonly<Record<TokenizerTask, (visit: Visit, source: QuestionSource) => Promise<TokenizerCall>>> = {
  countMessages: (visit, source) => readCount(visit, "messages", source),
  countResponse: (visit, source) => readCount(visit, "responses", source),
  tokenize: readTokenize,
  detokenize: readDetokenize,
  describe: readTraits,
};

/**
 * Reads what is asked of a tokenizer; throws a Refusal that names the member. What tells of a model is marked with it
 * (`markModel`).
 */
export function readTokenizerCall(visit: Visit, task: TokenizerTask, source: QuestionSource): Promise<TokenizerCall> {
  return readers[task](visit, source);
}
