import type { CallEndpoint } from "../../agreements/paths.ts";
import { messagesWire } from "../anthropic/wire.ts";
import { responsesWire } from "../openai/responses/wire.ts";
import { ollamaChatWire } from "../ollama/chat.ts";
import { ollamaEmbedWire } from "../ollama/embed.ts";
import { ollamaGenerateWire } from "../ollama/generate.ts";
import { openaiWire } from "./openai.ts";
import type { Wire } from "./wire.ts";

/** How each endpoint is spoken. */
export const wires: Readonly<Record<CallEndpoint, Wire>> = {
  "chat.completions": openaiWire,
  completions: openaiWire,
  embeddings: openaiWire,
  text2sql: openaiWire,
  rerank: openaiWire,
  score: openaiWire,
  "audio.transcriptions": openaiWire,
  "audio.translations": openaiWire,
  "audio.speech": openaiWire,
  "images.generations": openaiWire,
  responses: responsesWire,
  messages: messagesWire,
  "ollama.chat": ollamaChatWire,
  "ollama.generate": ollamaGenerateWire,
  "ollama.embed": ollamaEmbedWire,
};

/** The families of clients, by what their errors look like. */
export const protocols = { openai: openaiWire, anthropic: wires.messages, ollama: wires["ollama.chat"] } as const;
/** One of them. */
export type Protocol = keyof typeof protocols;

/**
 * The protocol of whoever asks for what is no call to a model: Anthropic's clients name its version wherever they ask,
 * and `/api/` is Ollama's, unless `/v1/` follows: that is a slip in the base URL of a client of OpenAI's.
 */
export function findProtocol(path: string, headers: Headers): Protocol {
  if (/^\/api\/(?!v1\/)/.test(path)) return "ollama";
  return headers.has("anthropic-version") || /^\/v1\/messages(\/|$)/.test(path) ? "anthropic" : "openai";
}
