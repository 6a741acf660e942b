import { z } from "zod";
import { Refusal } from "../../errors.ts";
import { IgnoredMembers, readShape } from "../openai/members/member.ts";
import type { SentCall, TranslatedCall, Wire } from "../wires/wire.ts";
import { ollamaForm } from "./form.ts";
import { ollamaEmbedMembers } from "./members.ts";
import { readOllamaBody, resolveName } from "./read.ts";

const EmbedBody = z.object(readShape(ollamaEmbedMembers));

/** What an answer repeats of a request of the older form: one embedding is wanted, by itself. */
export const oldForm = { isOld: true } as const;

/**
 * `POST /api/embed`, and the older `/api/embeddings` (Ollama's docs/api.md, "Generate Embeddings"), read as OpenAI's
 * embeddings. The body tells them apart: an `input` gets `embeddings`, a `prompt` gets one `embedding`. Nothing to
 * embed loads the model, which here only says whether the key may use it and a node serves it.
 */
export const ollamaEmbedWire: Wire = { ...ollamaForm, translate: translateEmbed };

function translateEmbed({ json, models = [] }: SentCall): TranslatedCall {
  const ignored = new IgnoredMembers();
  const { model, input, prompt, truncate, dimensions } = readOllamaBody(EmbedBody, {
    json,
    table: ollamaEmbedMembers,
    ignored,
  });
  if (input !== undefined && prompt !== undefined) {
    const message = "'prompt' and 'input' are two names of the same; send one of them.";
    throw new Refusal("invalid_value", { param: "prompt", message });
  }
  const isOld = prompt !== undefined;
  const inputs = input ?? prompt ?? "";
  const isEmpty = inputs.length === 0;
  return {
    json: {
      model: resolveName(model, models),
      input: isEmpty ? " " : inputs,
      // Ollama cuts unless it is told not to; the older form is never told.
      ...(truncate !== false && { truncate_prompt_tokens: -1 }),
      ...(dimensions && { dimensions }),
    },
    exact: null,
    answer: isOld ? oldForm : null,
    rename: (param) => nameMember(param, isOld),
    ignored,
    ...(isEmpty && { early: (id) => (isOld ? { embedding: [] } : { model: id, embeddings: [] }) }),
  };
}

function nameMember(param: string, isOld: boolean): string {
  if (param === "truncate_prompt_tokens") return "truncate";
  return isOld ? param.replace(/^input\b/, "prompt") : param;
}
