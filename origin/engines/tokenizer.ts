import { isObject, parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { Refusal } from "#edge/errors.ts";
import { promptIdsMax } from "#edge/limits.ts";
import type { NodeTokens, TokenizerTraits } from "#edge/protocol/tokenizer/answers.ts";
import type { Engine } from "./http/client.ts";
import { pickChatFields } from "./tokenize.ts";

/** A prompt whose tokens are asked for: a text, or a chat. */
export interface TokenizedPrompt {
  /** The engine's name of it. */
  model: string;
  /** `prompt`, or a chat's own members. */
  fields: JsonObject;
  /** Each token as the engine writes it, beside its id. */
  wantsStrings: boolean;
}

const tokenizerMsMax = 4_000;

/**
 * The tokens of a prompt, by the engine's own tokenizer, a chat's template applied. Throws a Refusal: 400 where the
 * engine has no such tokenizer or does not take the prompt, 502 where it fails.
 */
export function listTokens(engine: Engine, prompt: TokenizedPrompt): Promise<NodeTokens> {
  return engine.dialect.tokenizer === "llama-server" ? listByTemplate(engine, prompt) : listAtOnce(engine, prompt);
}

async function listAtOnce(engine: Engine, { model, fields, wantsStrings }: TokenizedPrompt): Promise<NodeTokens> {
  const { prompt, add_special_tokens } = fields;
  const members = prompt === undefined ? pickChatFields(fields) : { prompt, add_special_tokens };
  const answer = await ask(engine, "POST /tokenize", { model, ...members, return_token_strs: wantsStrings });
  // origin/gguf only counts.
  if (answer["tokens"] === undefined) throw refuseTokenizer();
  const tokens = readIds(answer["tokens"]);
  if (!tokens) throw refuseAnswer();
  const strings = answer["token_strs"];
  return { tokens, token_strs: wantsStrings && isTexts(strings) ? strings : null };
}

/** llama.cpp's server: the template in one request, the tokens in another; what is no text comes as its bytes. */
async function listByTemplate(engine: Engine, prompt: TokenizedPrompt): Promise<NodeTokens> {
  const { model, fields, wantsStrings } = prompt;
  const { add_special_tokens: isWhole } = fields;
  const isChat = fields["prompt"] === undefined;
  const chat = { model, ...pickChatFields(fields) };
  const content = isChat ? (await ask(engine, "POST /apply-template", chat))["prompt"] : fields["prompt"];
  if (typeof content !== "string") throw refuseAnswer();
  const add_special = typeof isWhole === "boolean" ? isWhole : true;
  const request = { model, content, add_special, parse_special: true, with_pieces: wantsStrings };
  const { tokens: listed } = await ask(engine, "POST /tokenize", request);
  if (!wantsStrings) {
    const tokens = readIds(listed);
    if (!tokens) throw refuseAnswer();
    return { tokens, token_strs: null };
  }
  const pieces = Array.isArray(listed) ? listed.filter(isObject) : [];
  const tokens = readIds(pieces.map(({ id }) => id));
  if (!tokens || !Array.isArray(listed) || tokens.length !== listed.length) throw refuseAnswer();
  return { tokens, token_strs: pieces.map(({ piece }) => readPiece(piece)) };
}

/** The text of tokens. Throws as `listTokens` does. */
export async function writeTokens(engine: Engine, model: string, tokens: readonly number[]): Promise<string> {
  const answer = await ask(engine, "POST /detokenize", { model, tokens });
  const text = answer[engine.dialect.tokenizer === "llama-server" ? "content" : "prompt"];
  if (typeof text !== "string") throw refuseAnswer();
  return text;
}

/**
 * What the engine's tokenizer is like: vLLM's `/tokenizer_info`, which it serves only when it was started with
 * `--enable-tokenizer-info-endpoint`; of llama.cpp's server what `/props` says. Throws as `listTokens` does.
 */
export async function readTokenizerTraits(engine: Engine): Promise<TokenizerTraits> {
  const isLlama = engine.dialect.tokenizer === "llama-server";
  const answer = await ask(engine, isLlama ? "GET /props" : "GET /tokenizer_info", null);
  const given = answer["tokenizer_class"];
  return {
    tokenizer_class: typeof given === "string" ? given : "unknown",
    bos_token: readMark(answer["bos_token"]),
    eos_token: readMark(answer["eos_token"]),
    pad_token: readMark(answer["pad_token"]),
    unk_token: readMark(answer["unk_token"]),
    add_bos_token: readFlag(answer["add_bos_token"]),
    add_eos_token: readFlag(answer["add_eos_token"]),
    chat_template: readText(answer["chat_template"]),
  };
}

type TokenizerRoute =
  | "POST /tokenize"
  | "POST /detokenize"
  | "POST /apply-template"
  | "GET /tokenizer_info"
  | "GET /props";

async function ask(engine: Engine, route: TokenizerRoute, fields: JsonObject | null): Promise<JsonObject> {
  if (engine.dialect.tokenizer === null) throw refuseTokenizer();
  const path = route.slice(route.indexOf(" ") + 1);
  const request = fields
    ? ({ method: "POST", path, body: JSON.stringify(fields) } as const)
    : ({ method: "GET", path } as const);
  const answer = await engine.requestText(request, tokenizerMsMax);
  if (answer?.status === 404 || answer?.status === 501) throw refuseTokenizer();
  if (answer?.status === 400 || answer?.status === 422) {
    const message = "The engine's tokenizer does not take this; it may be longer than the model's context.";
    throw new Refusal("invalid_value", { message, log: `${path} ${answer.status}` });
  }
  const read = answer?.status === 200 ? parseObject(answer.text) : null;
  if (!read) throw new Refusal("bad_gateway", { log: `${path} ${answer?.status ?? "failed"}` });
  return read;
}

/**
 * The refusal of what an engine's tokenizer cannot be asked: 400, and no fault of the engine's, which may be one of a
 * kind that has none, or may have been started without it.
 */
export function refuseTokenizer(): Refusal {
  const message = "No engine of this model has a tokenizer that can be asked this.";
  return new Refusal("unsupported_parameter", { param: "model", message, log: "no_tokenizer" });
}

function refuseAnswer(): Refusal {
  return new Refusal("bad_gateway", { log: "tokenizer_answer" });
}

function readIds(value: unknown): number[] | null {
  if (!Array.isArray(value) || value.length > promptIdsMax) return null;
  const ids = value.filter((id): id is number => typeof id === "number" && Number.isSafeInteger(id) && id >= 0);
  return ids.length === value.length ? ids : null;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** A piece that is no UTF-8 by itself comes as its bytes. */
function readPiece(piece: unknown): string {
  if (typeof piece === "string") return piece;
  return Array.isArray(piece) ? Buffer.from(piece.map(Number)).toString("utf8") : "";
}

/** A mark is a string, or an object that says more of it, as tokenizer_config.json has it. */
function readMark(value: unknown): string | null {
  return readText(isObject(value) ? value["content"] : value);
}

function readText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function readFlag(value: unknown): boolean | null {
  return typeof value === "boolean" ? value : null;
}
