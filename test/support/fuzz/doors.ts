import type { z } from "zod";
import { sitePaths } from "#edge/doors/site-paths.ts";
import { cohereRerankPath, endpointPaths, type CallEndpoint } from "#edge/agreements/paths.ts";
import { MessagesRequest, messagesMembers } from "#edge/protocol/anthropic/members.ts";
import { ollamaChatMembers, ollamaEmbedMembers, ollamaGenerateMembers } from "#edge/protocol/ollama/members.ts";
import { OllamaChatRequest, OllamaEmbedRequest, OllamaGenerateRequest } from "#edge/protocol/ollama/requests.ts";
import { memberTables } from "#edge/protocol/openai/members/parse.ts";
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
} from "#edge/protocol/openai/requests.ts";
import { responsesMembers } from "#edge/protocol/openai/responses/members.ts";
import {
  CountMessagesRequest,
  CountResponseRequest,
  DetokenizeRequest,
  TokenizeRequest,
} from "#edge/protocol/tokenizer/bodies.ts";
import type { TokenizerTask } from "#edge/protocol/tokenizer/call.ts";
import { chatSeeds, messagesSeeds, ollamaSeeds, plainSeeds, responsesSeeds, seedModels } from "./seeds.ts";
import type { Seeds } from "./schema-values.ts";

/** How a door's refusals are told. */
export type Family = "openai" | "anthropic" | "ollama";

/** A door as the fuzz sees it: what is sent there, which names somebody there knows, and who answers. */
export interface FuzzDoor {
  path: string;
  family: Family;
  serves: { endpoint: CallEndpoint } | { task: TokenizerTask };
  schema: z.ZodType;
  names: readonly string[];
  seeds: Seeds;
}

/** A door, its table of members, and a model that is served there. */
interface CallForm extends Pick<FuzzDoor, "schema" | "seeds"> {
  family: Family;
  table: object;
  model: string;
}
const chat = { family: "openai", table: memberTables["chat.completions"], seeds: chatSeeds, model: "chat" } as const;
const plain = { family: "openai", seeds: plainSeeds } as const;
const ollama = { family: "ollama", seeds: ollamaSeeds, model: "chat" } as const;
const rerank = { ...plain, table: memberTables.rerank, model: "rerank" } as const;
const messages = { family: "anthropic", table: messagesMembers, seeds: messagesSeeds, model: "chat" } as const;
const responses = { family: "openai", table: responsesMembers, seeds: responsesSeeds, model: "chat" } as const;

function openDoor(path: string, serves: FuzzDoor["serves"], { table, model, seeds, ...form }: CallForm): FuzzDoor {
  return { path, serves, ...form, names: Object.keys(table), seeds: { ...seeds, ...seedModels(model) } };
}
const openCall = (endpoint: CallEndpoint, form: CallForm) => openDoor(endpointPaths[endpoint].edge, { endpoint }, form);
const openTask = (task: TokenizerTask, path: string, form: CallForm) => openDoor(path, { task }, form);

/** Every door that reads a body and reaches a model with it. */
export const fuzzDoors: Readonly<Record<string, FuzzDoor>> = {
  "chat.completions": openCall("chat.completions", { ...chat, schema: ChatCompletionRequest }),
  text2sql: openCall("text2sql", { ...chat, schema: Text2SqlRequest, table: memberTables.text2sql, model: "text2sql" }),
  completions: openCall("completions", {
    ...plain,
    schema: CompletionRequest,
    table: memberTables.completions,
    model: "chat",
  }),
  embeddings: openCall("embeddings", {
    ...plain,
    schema: EmbeddingRequest,
    table: memberTables.embeddings,
    model: "embed",
  }),
  rerank: openCall("rerank", { ...rerank, schema: RerankRequest }),
  "rerank at Cohere's address": openDoor(
    cohereRerankPath,
    { endpoint: "rerank" },
    { ...rerank, schema: RerankRequest },
  ),
  score: openCall("score", { ...rerank, schema: ScoreRequest, table: memberTables.score }),
  "audio.speech": openCall("audio.speech", {
    ...plain,
    schema: SpeechRequest,
    table: memberTables["audio.speech"],
    model: "tts",
  }),
  "images.generations": openCall("images.generations", {
    ...plain,
    schema: ImagesRequest,
    table: memberTables["images.generations"],
    model: "image",
  }),
  responses: openCall("responses", { ...responses, schema: ResponsesRequest }),
  messages: openCall("messages", { ...messages, schema: MessagesRequest }),
  "ollama.chat": openCall("ollama.chat", { ...ollama, schema: OllamaChatRequest, table: ollamaChatMembers }),
  "ollama.generate": openCall("ollama.generate", {
    ...ollama,
    schema: OllamaGenerateRequest,
    table: ollamaGenerateMembers,
  }),
  "ollama.embed": openCall("ollama.embed", {
    ...plain,
    family: "ollama",
    schema: OllamaEmbedRequest,
    table: ollamaEmbedMembers,
    model: "embed",
  }),
  "the count of a message": openTask("countMessages", sitePaths.countMessages, {
    ...messages,
    schema: CountMessagesRequest,
  }),
  "the count of a response": openTask("countResponse", sitePaths.countResponse, {
    ...responses,
    schema: CountResponseRequest,
  }),
  "tokenize of a text": openTask("tokenize", sitePaths.tokenize, {
    ...plain,
    schema: TokenizeRequest.omit({ messages: true }).required({ prompt: true, model: true }),
    table: TokenizeRequest.shape,
    model: "chat",
  }),
  "tokenize of a chat": openTask("tokenize", sitePaths.tokenize, {
    ...chat,
    schema: TokenizeRequest.omit({ prompt: true }).required({ messages: true, model: true }),
  }),
  detokenize: openTask("detokenize", sitePaths.detokenize, {
    ...plain,
    schema: DetokenizeRequest.required({ model: true }),
    table: DetokenizeRequest.shape,
    model: "chat",
  }),
};
