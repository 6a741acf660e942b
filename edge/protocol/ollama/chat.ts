import { z } from "zod";
import type { JsonObject } from "../../agreements/json.ts";
import { IgnoredMembers, readShape } from "../openai/members/member.ts";
import type { SentCall, TranslatedCall, Wire } from "../wires/wire.ts";
import { ollamaForm } from "./form.ts";
import { ollamaChatMembers } from "./members.ts";
import { namePart, translateMessages, type OllamaMessage } from "./messages.ts";
import {
  buildLoaded,
  nameGeneration,
  noMessages,
  readOllamaBody,
  translateExactFormat,
  translateGeneration,
} from "./read.ts";

const ChatBody = z.object(readShape(ollamaChatMembers));

/**
 * `POST /api/chat` (Ollama's docs/api.md, "Generate a chat completion"), read as a chat of OpenAI's. Without messages
 * it loads the model, or unloads it: here that only says whether the key may use it and a node serves it.
 */
export const ollamaChatWire: Wire = { ...ollamaForm, translate: translateChat };

function translateChat({ json, exact, models = [] }: SentCall): TranslatedCall {
  const ignored = new IgnoredMembers();
  const body = readOllamaBody(ChatBody, { json, table: ollamaChatMembers, ignored });
  const messages = body.messages ?? [];
  const isEmpty = messages.length === 0;
  return {
    json: {
      ...translateGeneration(body, models, ignored),
      messages: isEmpty ? noMessages : translateMessages(messages, exact?.["messages"], ignored),
      ...(body.tools !== undefined && { tools: body.tools }),
    },
    exact: exact && translateExact(exact),
    answer: null,
    rename: (param) => nameMember(param, messages),
    ignored,
    ...(isEmpty && { early: buildLoaded({ message: { role: "assistant", content: "" } }, body.keep_alive) }),
  };
}

function translateExact({ tools, format }: JsonObject): JsonObject {
  return { ...(Array.isArray(tools) && { tools }), ...translateExactFormat(format) };
}

function nameMember(param: string, messages: readonly OllamaMessage[]): string {
  const part = /^messages\[(\d+)\]\.content\[(\d+)\]/.exec(param);
  if (!part) return nameGeneration(param);
  const hasText = Boolean(messages[Number(part[1])]?.content);
  return `messages[${part[1]}]${namePart(hasText, Number(part[2]))}`;
}
