import { isObject, type JsonObject } from "../../agreements/json.ts";

/** Two texts that a model reads together, and scores. */
export type TextPair = readonly [one: string, other: string];

/**
 * The pairs of a body for `/v1/rerank` or `/v1/score`, in their order; null for a body that is neither. A model reads
 * the query anew beside each document, and so it is counted.
 */
export function listPairs(body: JsonObject): TextPair[] | null {
  const { query, documents, text_1, text_2 } = body;
  const others = readTexts(documents ?? text_2);
  const ones = readTexts(query ?? text_1);
  const [first] = ones;
  if (first === undefined || others.length === 0) return null;
  return others.map((other, at) => [ones.length === 1 ? first : (ones[at] ?? ""), other]);
}

/** The texts of a member that is one text, or a list of texts or documents. */
export function readTexts(value: unknown): string[] {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  return items.flatMap((item) => {
    const text = isObject(item) ? item["text"] : item;
    return typeof text === "string" ? [text] : [];
  });
}
