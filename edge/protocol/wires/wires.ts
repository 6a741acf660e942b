import type { CallEndpoint } from "../../agreements/paths.ts";
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
  responses: openaiWire,
  messages: openaiWire,
  "ollama.chat": openaiWire,
  "ollama.generate": openaiWire,
  "ollama.embed": openaiWire,
};

/** The families of clients, by what their errors look like. */
export const protocols = { openai: openaiWire, anthropic: wires.messages, ollama: wires["ollama.chat"] } as const;
/** One of them. */
export type Protocol = keyof typeof protocols;

/**
 * The protocol of whoever asks for what is no call to a model: Anthropic's clients name its version wherever they ask,
 * and `/api/` is Ollama's.
 */
export function findProtocol(path: string, headers: Headers): Protocol {
  if (path.startsWith("/api/")) return "ollama";
  return headers.has("anthropic-version") || path.startsWith("/v1/messages/") ? "anthropic" : "openai";
}
