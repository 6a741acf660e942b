import type { z } from "zod";
import { cohereRerankPath, endpointPaths, type CallEndpoint } from "#edge/agreements/paths.ts";
import { MessagesRequest, messagesMembers } from "#edge/protocol/anthropic/members.ts";
import { ollamaChatMembers, ollamaEmbedMembers, ollamaGenerateMembers } from "#edge/protocol/ollama/members.ts";
import { OllamaChatRequest, OllamaEmbedRequest, OllamaGenerateRequest } from "#edge/protocol/ollama/requests.ts";
import { memberTables } from "#edge/protocol/openai/members/parse.ts";
import {
  ChatCompletionRequest,
  CompletionRequest,
  EmbeddingRequest,
  RerankRequest,
  ResponsesRequest,
  ScoreRequest,
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
import { chatSeeds, messagesSeeds, ollamaSeeds, plainSeeds, responsesSeeds } from "./seeds.ts";
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

function call(
  endpoint: CallEndpoint,
  family: Family,
  own: Pick<FuzzDoor, "schema" | "seeds"> & { table: object },
): FuzzDoor {
  const { table, ...rest } = own;
  return { path: endpointPaths[endpoint].edge, family, serves: { endpoint }, names: Object.keys(table), ...rest };
}
const chat = { names: Object.keys(memberTables["chat.completions"]), seeds: chatSeeds };
const responses = { table: responsesMembers, seeds: responsesSeeds };
const messages = { table: messagesMembers, seeds: messagesSeeds };
const names = (table: object) => Object.keys(table);

/** Every door that reads a body and reaches a model with it. */
export const fuzzDoors: Readonly<Record<string, FuzzDoor>> = {
  "chat.completions": call("chat.completions", "openai", {
    schema: ChatCompletionRequest,
    table: memberTables["chat.completions"],
    seeds: chatSeeds,
  }),
  text2sql: call("text2sql", "openai", { schema: Text2SqlRequest, table: memberTables.text2sql, seeds: chatSeeds }),
  completions: call("completions", "openai", {
    schema: CompletionRequest,
    table: memberTables.completions,
    seeds: plainSeeds,
  }),
  embeddings: call("embeddings", "openai", {
    schema: EmbeddingRequest,
    table: memberTables.embeddings,
    seeds: plainSeeds,
  }),
  rerank: call("rerank", "openai", { schema: RerankRequest, table: memberTables.rerank, seeds: plainSeeds }),
  score: call("score", "openai", { schema: ScoreRequest, table: memberTables.score, seeds: plainSeeds }),
  responses: call("responses", "openai", { schema: ResponsesRequest, ...responses }),
  messages: call("messages", "anthropic", { schema: MessagesRequest, ...messages }),
  "ollama.chat": call("ollama.chat", "ollama", {
    schema: OllamaChatRequest,
    table: ollamaChatMembers,
    seeds: ollamaSeeds,
  }),
  "ollama.generate": call("ollama.generate", "ollama", {
    schema: OllamaGenerateRequest,
    table: ollamaGenerateMembers,
    seeds: ollamaSeeds,
  }),
  "ollama.embed": call("ollama.embed", "ollama", {
    schema: OllamaEmbedRequest,
    table: ollamaEmbedMembers,
    seeds: plainSeeds,
  }),
  "rerank at Cohere's address": {
    ...call("rerank", "openai", { schema: RerankRequest, table: memberTables.rerank, seeds: plainSeeds }),
    path: cohereRerankPath,
  },
  countMessages: {
    path: "/v1/messages/count_tokens",
    family: "anthropic",
    serves: { task: "countMessages" },
    schema: CountMessagesRequest,
    names: names(messagesMembers),
    seeds: messagesSeeds,
  },
  countResponse: {
    path: "/v1/responses/input_tokens",
    family: "openai",
    serves: { task: "countResponse" },
    schema: CountResponseRequest,
    names: names(responsesMembers),
    seeds: responsesSeeds,
  },
  tokenize: { path: "/v1/tokenize", family: "openai", serves: { task: "tokenize" }, schema: TokenizeRequest, ...chat },
  detokenize: {
    path: "/v1/detokenize",
    family: "openai",
    serves: { task: "detokenize" },
    schema: DetokenizeRequest,
    names: ["prompt", "messages"],
    seeds: plainSeeds,
  },
};
