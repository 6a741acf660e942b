import { parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { listPairs } from "#edge/protocol/ranking/pairs.ts";
import type { Engine } from "./http/client.ts";

/** What an engine's tokenizer reports about a prompt. */
export interface TokenCount {
  tokens: number;
  contextTokensMax: number | null;
}

const tokenizeMsMax = 1_500;
/** Members that change what a chat prompt looks like once its template is applied. */
export const chatFields = [
  "messages",
  "tools",
  "add_generation_prompt",
  "continue_final_message",
  "chat_template_kwargs",
  "add_special_tokens",
];

/** Members with which a text is counted. */
export const countFields = ["prompt", "add_special_tokens"];

/**
 * Counts a request's prompt by the engine's own tokenizer, the chat template applied. `null` when the engine has none,
 * or fails. `body` names the engine's model. Lists of token ids count themselves; lists of texts are counted one by one
 * and summed, and so are both texts of each pair that is ranked, with what the tokenizer puts around each.
 */
export async function countPromptTokens(engine: Engine, body: JsonObject): Promise<TokenCount | null> {
  const pairs = listPairs(body);
  const input = body["prompt"] ?? body["input"];
  if (input === undefined && !pairs) return requestCount(engine, { model: body["model"], ...pick(body, chatFields) });
  const listed: unknown[] = Array.isArray(input) && !isTokens(input) ? input : [input];
  const prompts = input === undefined && pairs ? pairs.flat() : listed;
  // The query stands beside each document, and is counted once.
  const known = new Map<unknown, TokenCount>();
  let total: TokenCount = { tokens: 0, contextTokensMax: null };
  for (const prompt of prompts) {
    const count = isTokens(prompt)
      ? { tokens: prompt.length, contextTokensMax: null }
      : (known.get(prompt) ?? (await requestCount(engine, { model: body["model"], prompt })));
    if (!count) return null;
    if (pairs) known.set(prompt, count);
    total = { tokens: total.tokens + count.tokens, contextTokensMax: count.contextTokensMax ?? total.contextTokensMax };
  }
  return total;
}

/** Counts a text, without what the tokenizer would put before it. */
export async function countTextTokens(engine: Engine, model: string, text: string): Promise<number | null> {
  const count = await requestCount(engine, { model, prompt: text, add_special_tokens: false });
  return count?.tokens ?? null;
}

/**
 * For engines without a tokenizer: a token for four characters of the prompt's JSON, which is about right for English
 * and low for all else.
 */
export function guessPrompt(body: JsonObject): number {
  return guessText(JSON.stringify(body["messages"] ?? body["prompt"] ?? body["input"] ?? ""));
}

/** Guesses the tokens of a text: one for four characters. */
export function guessText(text: string): number {
  return Math.ceil(text.length / 4);
}

async function requestCount(engine: Engine, fields: JsonObject): Promise<TokenCount | null> {
  const { tokenizer } = engine.dialect;
  if (tokenizer === "llama-server") return requestTokenCount(engine, fields);
  const answer = tokenizer && (await requestJson(engine, "/tokenize", fields));
  if (!answer || !isCount(answer["count"])) return null;
  return {
    tokens: answer["count"],
    contextTokensMax: isCount(answer["max_model_len"]) ? answer["max_model_len"] : null,
  };
}

/** The template in one request, its tokens in another. */
async function requestTokenCount(engine: Engine, fields: JsonObject): Promise<TokenCount | null> {
  const { model, messages, add_special_tokens: isWhole = true } = fields;
  const content =
    messages === undefined ? fields["prompt"] : (await requestJson(engine, "/apply-template", fields))?.["prompt"];
  if (typeof content !== "string") return null;
  const tokens = (
    await requestJson(engine, "/tokenize", { model, content, add_special: isWhole, parse_special: true })
  )?.["tokens"];
  return Array.isArray(tokens) ? { tokens: tokens.length, contextTokensMax: null } : null;
}

async function requestJson(engine: Engine, path: string, fields: JsonObject): Promise<JsonObject | null> {
  const answer = await engine.requestText({ method: "POST", path, body: JSON.stringify(fields) }, tokenizeMsMax);
  return answer?.status === 200 ? parseObject(answer.text) : null;
}

/** Of a chat's members those that change what its prompt looks like. */
export function pickChatFields(body: JsonObject): JsonObject {
  return pick(body, chatFields);
}

function isTokens(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "number");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function pick(body: JsonObject, names: string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => body[name] !== undefined).map((name) => [name, body[name]]));
}
