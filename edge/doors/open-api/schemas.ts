import { z } from "zod";
import { LeakLabels, LeakReport } from "../../control/http/leaks.ts";
import { ClientToken, TokenBody } from "../../identity/index.ts";
import { Message, MessageError, MessageEvent } from "../../protocol/anthropic/answers.ts";
import { MessagesRequest } from "../../protocol/anthropic/members.ts";
import {
  ChatCompletion,
  ChatCompletionChunk,
  EmbeddingList,
  ImageList,
  RerankResult,
  ScoreList,
  TextCompletion,
  TextCompletionChunk,
  TokenUsage,
  Transcript,
} from "../../protocol/openai/answers.ts";
import { OllamaChat, OllamaEmbeddings, OllamaError, OllamaGeneration } from "../../protocol/ollama/answers.ts";
import { OllamaModel, OllamaRunning, OllamaShowBody, OllamaTags, OllamaVersion } from "../../protocol/ollama/models.ts";
import { OllamaChatRequest, OllamaEmbedRequest, OllamaGenerateRequest } from "../../protocol/ollama/requests.ts";
import { AnthropicModel, AnthropicModelPage } from "../../protocol/models/anthropic-page.ts";
import { ModelCard, ModelList } from "../../protocol/models/card.ts";
import {
  ChatCompletionRequest,
  CompletionRequest,
  EmbeddingRequest,
  ImagesRequest,
  RerankRequest,
  ResponsesRequest,
  ScoreRequest,
  SpeechRequest,
  Text2SqlRequest,
  TranscriptionRequest,
  TranslationRequest,
} from "../../protocol/openai/requests.ts";
import {
  DeletedResponse,
  Response,
  ResponseItemList,
  ResponseStreamEvent,
} from "../../protocol/openai/responses/answers.ts";
import {
  DetokenizeAnswer,
  MessageTokenCount,
  ResponseTokenCount,
  TokenizeAnswer,
  TokenizerTraits,
} from "../../protocol/tokenizer/answers.ts";
import {
  CountMessagesRequest,
  CountResponseRequest,
  DetokenizeRequest,
  TokenizeRequest,
} from "../../protocol/tokenizer/bodies.ts";
import { Health } from "../../routing/index.ts";

/** What is sent, by the names that the document gives. */
export const requestSchemas = {
  ChatCompletionRequest,
  CompletionRequest,
  EmbeddingRequest,
  Text2SqlRequest,
  MessagesRequest,
  ResponsesRequest,
  OllamaChatRequest,
  OllamaGenerateRequest,
  OllamaEmbedRequest,
  OllamaShowRequest: OllamaShowBody,
  RerankRequest,
  ScoreRequest,
  TranscriptionRequest,
  TranslationRequest,
  SpeechRequest,
  ImagesRequest,
  ClientTokenRequest: TokenBody,
  LeakReport,
  CountMessagesRequest,
  CountResponseRequest,
  TokenizeRequest,
  DetokenizeRequest,
};

/** What is answered, by the names that the document gives. */
export const answerSchemas = {
  ChatCompletion,
  ChatCompletionChunk,
  TextCompletion,
  TextCompletionChunk,
  EmbeddingList,
  RerankResult,
  ScoreList,
  Transcript,
  ImageList,
  TokenUsage,
  Message,
  MessageEvent,
  MessageError,
  DeletedResponse,
  Response,
  ResponseItemList,
  ResponseStreamEvent,
  ModelCard,
  ModelList,
  OllamaChat,
  OllamaGeneration,
  OllamaEmbeddings,
  OllamaError,
  OllamaTags,
  OllamaModel,
  OllamaRunning,
  OllamaVersion,
  AnthropicModel,
  AnthropicModelPage,
  ClientToken,
  LeakLabels,
  MessageTokenCount,
  ResponseTokenCount,
  TokenizeAnswer,
  DetokenizeAnswer,
  TokenizerTraits,
  Health,
  Welcome: z.strictObject({ name: z.string(), baseUrl: z.url(), openapi: z.url(), health: z.url() }),
  Liveness: z.strictObject({ status: z.literal("alive") }),
  Readiness: z.strictObject({ status: z.literal("ready") }),
  OpenApi: z.looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) }),
};

/** A name under which the document keeps what is sent. */
export type RequestName = keyof typeof requestSchemas;
/** A name under which the document keeps what is answered. */
export type AnswerName = keyof typeof answerSchemas;

/** The component that the document keeps under this name. */
export function refer(name: RequestName | AnswerName | "Error") {
  return { $ref: `#/components/schemas/${name}` };
}

/** All of them as JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
export function writeSchemas(): Record<string, object> {
  return { ...write(requestSchemas, "input"), ...write(answerSchemas, "output") };
}

/** An OpenAPI document says for all of its schemas what a schema alone has to say of itself. */
function withoutMarks(schema: object): object {
  return Object.fromEntries(Object.entries(schema).filter(([member]) => member !== "$schema" && member !== "$id"));
}

function write(named: Record<string, z.ZodType>, io: "input" | "output"): Record<string, object> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io,
    unrepresentable: "any",
    uri: (id) => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutMarks(schema)]));
}
