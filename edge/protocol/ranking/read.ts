import type { JsonObject } from "../../agreements/json.ts";
import { endpointPaths } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { rankedCharsMax } from "../../limits.ts";
import { estimateTokens } from "../estimate.ts";
import { boundText, marksPerPrompt } from "../openai/bounds/text.ts";
import type { IgnoredMembers } from "../openai/members/member.ts";
import { findModel } from "../openai/models.ts";
import { nothingGenerated, refuseSurelyLong, writeBody, type ParsedBody } from "../openai/parsed-body.ts";
import type { RerankBody, ScoreBody } from "./members.ts";
import { listPairs, readTexts, type TextPair } from "./pairs.ts";

type Ranked = Omit<ParsedBody, "named">;

/** Some models that rank read each pair within a template of their own; as for chats where the record says nothing. */
const templateTokensMax = 64;

/** Reads the body of a rerank call; throws a Refusal that names the field. */
export function readRerank(body: RerankBody, models: readonly ModelRecord[], ignored: IgnoredMembers): Ranked {
  const model = findModel(models, body.model, "rerank");
  refuseSurelyLong(body.query, "query", model);
  const documents = readTexts(body.documents);
  documents.forEach((text, at) => refuseSurelyLong(text, `documents[${at}]`, model));
  return buildRanked("rerank", { ...body, documents }, model, ignored);
}

/** Reads the body of a score call; throws a Refusal that names the field. */
export function readScore(body: ScoreBody, models: readonly ModelRecord[], ignored: IgnoredMembers): Ranked {
  const model = findModel(models, body.model, "score");
  for (const param of ["text_1", "text_2"] as const) {
    const { [param]: value } = body;
    if (typeof value === "string") refuseSurelyLong(value, param, model);
    else value.forEach((text, at) => refuseSurelyLong(text, `${param}[${at}]`, model));
  }
  const [ones, others] = [readTexts(body.text_1).length, readTexts(body.text_2).length];
  if (ones !== 1 && ones !== others) {
    const message = `'text_2' has ${others} texts and 'text_1' ${ones}; it must have as many, or 'text_1' only one.`;
    throw new Refusal("invalid_value", { param: "text_2", message });
  }
  return buildRanked("score", body, model, ignored);
}

function buildRanked(
  endpoint: "rerank" | "score",
  body: JsonObject,
  model: ModelRecord,
  ignored: IgnoredMembers,
): Ranked {
  const pairs = listPairs(body) ?? [];
  refuseManyReadings(endpoint, pairs);
  return {
    path: endpointPaths[endpoint].agent,
    model,
    body: writeBody(body, { model: model.id }),
    isStream: false,
    prompts: pairs.length,
    units: pairs.length,
    promptTokensMax: boundPairs(pairs, model),
    promptTokensGuess: sumPairs(pairs, estimateTokens),
    ...nothingGenerated,
    affinity: pairs[0]?.[0].slice(0, 1_024) ?? "",
    ignored,
  };
}

/** Returns an upper bound, in tokens, of what a model reads of these pairs (M2). */
function boundPairs(pairs: readonly TextPair[], model: ModelRecord): number {
  const form = model.normalizes ?? "NFC";
  const perPair = 2 * marksPerPrompt + (model.templateTokensMax ?? templateTokensMax);
  return pairs.length * perPair + sumPairs(pairs, (text) => boundText(text, form));
}

/** Sums over all pairs; each text is measured once, however often it is read. */
function sumPairs(pairs: readonly TextPair[], measure: (text: string) => number): number {
  const known = new Map<string, number>();
  const read = (text: string) => {
    const size = known.get(text) ?? measure(text);
    known.set(text, size);
    return size;
  };
  return pairs.reduce((sum, [one, other]) => sum + read(one) + read(other), 0);
}

function refuseManyReadings(endpoint: "rerank" | "score", pairs: readonly TextPair[]): void {
  const chars = sumPairs(pairs, (text) => text.length);
  if (chars <= rankedCharsMax) return;
  const param = endpoint === "rerank" ? "query" : "text_1";
  const message =
    `'${param}' is too long for ${pairs.length} texts: it is read beside each of them, and all together have ` +
    `${chars} characters; at most ${rankedCharsMax} are allowed.`;
  throw new Refusal("invalid_value", { param, message });
}
