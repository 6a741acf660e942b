import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { ollamaForm } from "#edge/protocol/ollama/form.ts";
import type { AnswerWire } from "../wire.ts";
import { countNs } from "./metrics.ts";

/**
 * How answers of `/api/embed` are written, and of the older `/api/embeddings`, which has one embedding and nothing
 * beside it (Ollama's docs/api.md). Embeddings do not stream.
 */
export const ollamaEmbedAnswers: AnswerWire = {
  form: ollamaForm.stream,
  nameAnswer: () => null,
  openTranslator() {
    throw new TypeError("an embedding is no stream");
  },
  buildWhole(answer, context) {
    const embeddings = listEmbeddings(answer);
    if (context.repeated["isOld"] === true) return { embedding: embeddings[0] ?? [] };
    return {
      model: context.model,
      embeddings,
      total_duration: countNs(context.startedAtMs, context.now()),
      load_duration: 0,
      prompt_eval_count: context.readUsage().prompt,
    };
  },
};

function listEmbeddings({ data: rows }: JsonObject): unknown[] {
  const list = Array.isArray(rows) ? rows.filter(isObject) : [];
  return list.toSorted((one, other) => Number(one["index"]) - Number(other["index"])).map((row) => row["embedding"]);
}
