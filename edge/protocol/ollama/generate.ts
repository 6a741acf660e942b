import { z } from "zod";
import type { JsonObject } from "../../agreements/json.ts";
import { IgnoredMembers, readShape } from "../openai/members/member.ts";
import type { SentCall, TranslatedCall, Wire } from "../wires/wire.ts";
import { ollamaForm } from "./form.ts";
import { ollamaGenerateMembers } from "./members.ts";
import { namePart, writeContent } from "./messages.ts";
import {
  buildLoaded,
  nameGeneration,
  noMessages,
  readOllamaBody,
  translateExactFormat,
  translateGeneration,
} from "./read.ts";

const GenerateBody = z.object(readShape(ollamaGenerateMembers));
type GenerateBody = z.infer<typeof GenerateBody>;

/**
 * `POST /api/generate` (Ollama's docs/api.md, "Generate a completion"): the prompt in the model's own template, so it
 * is read as a chat of one message, behind the system's. An empty prompt loads the model, or unloads it (see chat.ts).
 */
export const ollamaGenerateWire: Wire = { ...ollamaForm, translate: translateGenerate };

function translateGenerate({ json, exact, models = [] }: SentCall): TranslatedCall {
  const ignored = new IgnoredMembers();
  const body = readOllamaBody(GenerateBody, { json, table: ollamaGenerateMembers, ignored });
  const isEmpty = !body.prompt;
  return {
    json: { ...translateGeneration(body, models, ignored), messages: isEmpty ? noMessages : writeMessages(body) },
    exact: exact && translateExactFormat(exact["format"]),
    answer: null,
    rename: (param) => nameMember(param, body),
    ignored,
    ...(isEmpty && { early: buildLoaded({ response: "" }, body.keep_alive) }),
  };
}

function writeMessages({ system, prompt = "", images = [] }: GenerateBody): JsonObject[] {
  return [
    ...(system ? [{ role: "system", content: system }] : []),
    { role: "user", content: writeContent(prompt, images) },
  ];
}

function nameMember(param: string, { system }: GenerateBody): string {
  const found = /^messages(?:\[(\d+)\](?:\.content\[(\d+)\])?)?/.exec(param);
  if (!found) return nameGeneration(param);
  const [, message, part] = found;
  if (system && message === "0") return "system";
  const name = part === undefined ? ".content" : namePart(true, Number(part));
  return name === ".content" ? "prompt" : name.slice(1);
}
