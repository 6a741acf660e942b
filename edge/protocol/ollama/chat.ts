import { z } from "zod";
import type { JsonObject } from "../../agreements/json.ts";
import { IgnoredMembers, readShape } from "../openai/members/member.ts";
import type { EarlyAnswer, SentCall, TranslatedCall, Wire } from "../wires/wire.ts";
import { ollamaForm } from "./form.ts";
import { ollamaChatMembers, wantsUnload } from "./members.ts";
import { namePart, translateMessages, type OllamaMessage } from "./messages.ts";
import { nameGeneration, noMessages, readOllamaBody, translateExactFormat, translateGeneration } from "./read.ts";

const ChatBody = z.object(readShape(ollamaChatMembers));

/**
 * `POST /api/chat` (Ollama's docs/api.md, "Generate a chat completion"), read as a chat of OpenAI's. Without messages
 * it loads the model, or unloads it: here that only says whether the key may use it and a node serves it.
 */
export const ollamaChatWire: Wire = { ...ollamaForm, translate: translateChat };

function translateChat({ json, exact }: SentCall): TranslatedCall {
  const ignored = new IgnoredMembers();
  const body = readOllamaBody(ChatBody, { json, table: ollamaChatMembers, ignored });
  const messages = body.messages ?? [];
  const isEmpty = messages.length === 0;
  return {
    json: {
      ...translateGeneration(body, ignored),
      messages: isEmpty ? noMessages : translateMessages(messages, exact?.["messages"], ignored),
      ...(body.tools !== undefined && { tools: body.tools }),
    },
    exact: exact && translateExact(exact),
    answer: null,
    rename: (param) => nameMember(param, messages),
    ignored,
    ...(isEmpty && { early: tellLoaded(body.keep_alive) }),
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

function tellLoaded(keepAlive: unknown): EarlyAnswer {
  return (model, nowMs) => ({
    model,
    created_at: new Date(nowMs).toISOString(),
    message: { role: "assistant", content: "" },
    done: true,
    done_reason: wantsUnload(keepAlive) ? "unload" : "load",
  });
}
