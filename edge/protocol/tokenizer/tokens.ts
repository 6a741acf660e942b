import type { JsonObject } from "../../agreements/json.ts";
import { tokenizerPaths, type EngineEndpoint } from "../../agreements/paths.ts";
import { findByName, type ModelRecord } from "../../agreements/records/model.ts";
import { Refusal, type NamedModel } from "../../errors.ts";
import type { Visit } from "../../visit.ts";
import type { ReadBody } from "../body.ts";
import { parseBody } from "../fields.ts";
import { IgnoredMembers } from "../openai/members/member.ts";
import { markModel, refuseModel } from "../openai/models.ts";
import { findAllowed } from "../models/show.ts";
import { refuseSurelyLong } from "../openai/parsed-body.ts";
import { readParsedBody } from "../openai/read-body.ts";
import { DetokenizeAnswer, NodeTokens, TokenizerTraits } from "./answers.ts";
import { DetokenizeBody, TokenizeChatExtras, TokenizeTextBody } from "./bodies.ts";
import {
  makeQuestionCall,
  readQuestionBody,
  refuseUncountable,
  writeBy,
  type QuestionSource,
  type TokenizerCall,
} from "./question.ts";

/** Reads what asks for the tokens of a text or a chat, as vLLM's `/tokenize` takes it. */
export async function readTokenize(visit: Visit, source: QuestionSource): Promise<TokenizerCall> {
  const { json, exact } = await readQuestionBody(visit, source.sender);
  if (json["messages"] !== undefined) return readChatTokens(visit, { json, exact }, source);
  const { model: name, ...text } = parseBody(TokenizeTextBody, json);
  const { model, named } = await findNamed(name, source);
  const call = markModel(named, () => {
    refuseSurelyLong(text.prompt, "prompt", model);
    return makeTextCall(visit, model, named);
  });
  return { call, question: { path: tokenizerPaths.tokens, body: { ...text }, write: writeTokens(model) } };
}

async function readChatTokens(
  visit: Visit,
  { json, exact }: { json: JsonObject; exact: ReadBody["exact"] },
  source: QuestionSource,
): Promise<TokenizerCall> {
  const { return_token_strs: wantsStrings, ...chat } = json;
  const { model: name } = parseBody(TokenizeChatExtras, json);
  const { named } = await findNamed(name, source);
  const sent = { json: { ...chat, model: named.name }, exact };
  // Whoever may not use the model does not learn from a fault of theirs that there is one.
  const parsed = markModel(named, () => readParsedBody("chat.completions", sent, source.models));
  const { model, ignored, body } = parsed;
  const call = markModel(named, () => {
    refuseUncountable(parsed);
    return makeQuestionCall(visit, { endpoint: "chat.completions", model, named, ignored });
  });
  const question = { ...body, return_token_strs: wantsStrings === true };
  return { call, question: { path: tokenizerPaths.tokens, body: question, write: writeTokens(model) } };
}

/** Reads what asks for the text of tokens, as vLLM's `/detokenize` takes it. */
export async function readDetokenize(visit: Visit, source: QuestionSource): Promise<TokenizerCall> {
  const { json } = await readQuestionBody(visit, source.sender);
  const { model: name, tokens } = parseBody(DetokenizeBody, json);
  const { model, named } = await findNamed(name, source);
  const call = markModel(named, () => makeTextCall(visit, model, named));
  return {
    call,
    question: {
      path: tokenizerPaths.text,
      body: { tokens },
      write: writeBy(DetokenizeAnswer, ({ prompt }) => ({ prompt })),
    },
  };
}

/** Reads what asks what a tokenizer is like, as vLLM's `/tokenizer_info`; `?model=` says of which model. */
export async function readTraits(visit: Visit, source: QuestionSource): Promise<TokenizerCall> {
  const { model, named } = await findNamed(new URL(visit.request.url).searchParams.get("model"), source);
  const call = markModel(named, () => makeTextCall(visit, model, named));
  return {
    call,
    question: { path: tokenizerPaths.traits, body: {}, write: writeBy(TokenizerTraits, (traits) => ({ ...traits })) },
  };
}

/** By which endpoint a model takes text: a key must have that one for what has no endpoint of its own. */
export function findTextEndpoint({ endpoints }: Pick<ModelRecord, "endpoints">): EngineEndpoint {
  const candidates = ["completions", "chat.completions", "embeddings", "text2sql", "rerank", "score"] as const;
  return candidates.find((endpoint) => endpoints.includes(endpoint)) ?? "completions";
}

function makeTextCall(visit: Visit, model: ModelRecord, named: NamedModel) {
  return makeQuestionCall(visit, { endpoint: findTextEndpoint(model), model, named, ignored: new IgnoredMembers() });
}

/** The model of this name; where there is none, the one that the caller's key may use, if it is the only one. */
async function findNamed(
  name: string | null | undefined,
  { models, readScopes }: QuestionSource,
): Promise<{ model: ModelRecord; named: NamedModel }> {
  if (name !== null && name !== undefined && name !== "") {
    const model = findByName(models, name);
    const named = { name, id: model?.id ?? null };
    if (!model)
      return markModel(named, () => {
        throw refuseModel(name);
      });
    return { model, named };
  }
  const scopes = await readScopes();
  const [model, ...others] = findAllowed(models, scopes);
  if (model && others.length === 0) return { model, named: { name: model.id, id: model.id } };
  const message = "'model' is required; it may be left out only where the key may use one model.";
  throw new Refusal("invalid_value", { param: "model", message });
}

/** What an engine says of its context may be more than is served. */
function writeTokens({ contextTokensMax }: ModelRecord) {
  return writeBy(NodeTokens, ({ tokens, token_strs }) => {
    return { count: tokens.length, max_model_len: contextTokensMax, tokens, token_strs };
  });
}
