import type { ForeignEndpoint } from "#edge/agreements/paths.ts";
import { messagesAnswers } from "./messages/wire.ts";
import { responsesAnswers } from "./responses/wire.ts";
import { ollamaEmbedAnswers } from "./ollama/embed.ts";
import { ollamaChatAnswers, ollamaGenerateAnswers } from "./ollama/generation.ts";
import type { AnswerWire } from "./wire.ts";

/** How the answers of each endpoint of another protocol are written. */
export const answerWires: Readonly<Record<ForeignEndpoint, AnswerWire>> = {
  messages: messagesAnswers,
  responses: responsesAnswers,
  "ollama.chat": ollamaChatAnswers,
  "ollama.generate": ollamaGenerateAnswers,
  "ollama.embed": ollamaEmbedAnswers,
};
