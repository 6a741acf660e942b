import { randomBytes } from "node:crypto";
import { hashHex } from "../text/hash.ts";
import type { OracleRecord } from "../text/oracle.ts";
import { endOfText, tokenize } from "../text/tokenizer.ts";
import { prefill } from "../plain-routes.ts";
import { makeInvalid, makeProblem } from "../problems.ts";
import { admit, type ServedModels } from "../served-model.ts";
import { Fields } from "./fields.ts";
import { contextExceeded } from "./prompt.ts";

type Body = Readonly<Record<string, unknown>>;

/** Two texts, and the tokens as which a model that reads both at once has them. */
interface Pair {
  one: string;
  other: string;
  tokens: number[];
}

/**
 * `POST /v1/rerank` and `/v1/score`: prefills each pair, and scores it by the share of the first text's tokens that the
 * second has. Null when the caller has left.
 */
export async function scorePairs(
  raw: Body,
  models: ServedModels,
  { record, signal, nowMs }: { record: OracleRecord; signal: AbortSignal; nowMs: number },
): Promise<string | null> {
  const fields = new Fields(raw, { model: "text", top_n: "integer", truncate_prompt_tokens: "integer" });
  const isRerank = raw["documents"] !== undefined || raw["query"] !== undefined;
  const model = models.findBy("scores", fields.text("model"));
  const pairs = isRerank
    ? makePairs(readTexts(raw, "query"), readTexts(raw, "documents"))
    : makePairs(readTexts(raw, "text_1"), readTexts(raw, "text_2"));
  admit(model, 1);
  const { contextTokens } = model.engine.profile;
  const isCut = fields.number("truncate_prompt_tokens") !== null;
  if (!isCut && pairs.some(({ tokens }) => tokens.length > contextTokens)) throw contextExceeded(contextTokens);
  record.id = `${isRerank ? "rerank" : "score"}-${randomBytes(8).toString("hex")}`;
  record.promptTokens = pairs.reduce((sum, { tokens }) => sum + Math.min(tokens.length, contextTokens), 0);
  if (!signal.aborted)
    await Promise.all(pairs.map(({ tokens }) => prefill(model, tokens.slice(0, contextTokens), signal)));
  if (signal.aborted) return null;
  const usage = { prompt_tokens: record.promptTokens, total_tokens: record.promptTokens };
  const scored = pairs.map((pair, index) => ({ index, ...pair, score: scorePair(pair) }));
  const { id } = record;
  if (!isRerank) {
    const data = scored.map(({ index, score }) => ({ index, object: "score", score }));
    return JSON.stringify({ id, object: "list", created: Math.floor(nowMs / 1_000), model: model.name, data, usage });
  }
  const results = scored
    .map(({ index, other, score }) => ({
      index,
      document: { text: other, multi_modal: null },
      relevance_score: score,
    }))
    .toSorted((a, b) => b.relevance_score - a.relevance_score);
  const wanted = fields.number("top_n") ?? 0;
  return JSON.stringify({ id, model: model.name, usage, results: wanted > 0 ? results.slice(0, wanted) : results });
}

function readTexts(raw: Body, name: string): string[] {
  const value = raw[name];
  const items: unknown[] = Array.isArray(value) ? value : [value];
  const texts = items.filter((item) => typeof item === "string");
  if (value !== undefined && texts.length === items.length && texts.length > 0) return texts;
  throw makeInvalid([{ type: "missing", loc: `body.${name}`, msg: "Field required", input: raw }]);
}

function makePairs(ones: string[], others: string[]): Pair[] {
  if (ones.length !== 1 && ones.length !== others.length)
    throw makeProblem("Input lengths must be either 1:1, 1:N or N:N");
  return others.map((other, at) => {
    const one = ones[ones.length === 1 ? 0 : at] ?? "";
    return { one, other, tokens: [...tokenize(one), endOfText, ...tokenize(other), endOfText] };
  });
}

/** Between 0 and 1; a little apart for texts that share alike, so that an order is always the same. */
function scorePair({ one, other }: Pair): number {
  const read = (text: string) => new Set(text.toLowerCase().match(/\p{L}+/gu));
  const [wanted, given] = [read(one), read(other)];
  const shared = Array.from(wanted).filter((word) => given.has(word)).length;
  const grain = Number.parseInt(hashHex(other, 4), 16) / 0x1_0000;
  return Math.min(1, 0.98 * (wanted.size === 0 ? 0 : shared / wanted.size) + 0.02 * grain);
}
