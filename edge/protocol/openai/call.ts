import { digestHex } from "../../agreements/digest.ts";
import { isObject, type JsonObject } from "../../agreements/json.ts";
import { endpointPaths, isChat, type CallPath, type EngineEndpoint } from "../../agreements/paths.ts";
import { findByName, type Endpoint, type ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import { idempotencyKeyCharsMax } from "../../limits.ts";
import type { Visit } from "../../visit.ts";
import { readJson, type ReadBody } from "../body.ts";
import { ChatBody, boundChatPrompt, joinChatText, hasMedia, Text2SqlBody } from "./chat.ts";
import {
  CompletionsBody,
  completionTokensDefault,
  EmbeddingsBody,
  boundPrompt,
  countPrompts,
  findLongPrompt,
  joinPromptText,
  type PromptInput,
} from "./completions.ts";
import { restoreDigits } from "../digits.ts";
import { estimateTokens } from "../estimate.ts";
import { isSmall, parseBody } from "../fields.ts";
import { addDeployment } from "./deployment.ts";
import { refuseModel } from "./models.ts";
import { readTimeout, type CallTimeout } from "./timeout.ts";
import { refuseRemoteMedia, stripReserved } from "./reserved-fields.ts";
import { omitUnsent, refuseUnsupportedParts } from "./unsupported.ts";

/** What a call's address says of it; `deployment` is the model that an address in Azure's form names. */
export interface CallAddress {
  endpoint: EngineEndpoint;
  deployment: string | null;
}

/** A parsed request: what the caller wants, in our terms, and the body to send to the origin. */
export interface Call {
  endpoint: EngineEndpoint;
  /** The path on the agent. */
  path: CallPath;
  model: ModelRecord;
  body: Record<string, unknown>;
  isStream: boolean;
  /** How many completions are requested, over all prompts. */
  choices: number;
  /** Upper bound and estimate of the prompt, in tokens. */
  promptTokensMax: number;
  promptTokensGuess: number;
  /** For each choice. */
  completionTokens: number;
  isDefaultMax: boolean;
  hasImages: boolean;
  /**
   * The prompt's first kilobyte, or the caller's own `prompt_cache_key`: calls with the same value share a prefix
   * cache.
   */
  affinity: string;
  mayClamp: boolean;
  /** How long the caller waits; `deadlineMs` is when that is over, in Unix ms. */
  timeout: CallTimeout;
  deadlineMs: number;
  idempotency: { key: string; body: string } | null;
}

/**
 * Reads a call: body, shape, model, bounds. Throws a Refusal that names the field. Nothing of the caller's raw bytes or
 * headers goes further: `body` is our own copy of it, without the reserved fields. A `deployment`
 * is the model that an address in Azure's form names.
 */
export async function readCall(
  visit: Visit,
  endpoint: EngineEndpoint,
  models: readonly ModelRecord[],
  deployment: string | null = null,
): Promise<Call> {
  const { bytes, json: sent, exact } = await readJson(visit.request);
  const json = deployment === null ? sent : addDeployment(sent, deployment, models);
  const shape = readShape(endpoint, { json: omitUnsent(json), exact }, models);
  const { model } = shape;
  if (shape.completionTokens > model.contextTokensMax) {
    const param =
      endpoint !== "completions" && isObject(json) && json["max_completion_tokens"]
        ? "max_completion_tokens"
        : "max_tokens";
    throw new Refusal("context_length_exceeded", {
      param,
      message: `This model's context is ${model.contextTokensMax} tokens; ${param} asks for ${shape.completionTokens}.`,
    });
  }
  const { headers } = visit.request;
  const timeout = readTimeout(headers, shape.isStream);
  return {
    ...shape,
    endpoint,
    mayClamp: headers.get("x-penstock-clamp") === "true",
    timeout,
    deadlineMs: visit.startedAtMs + timeout.ms,
    idempotency: readIdempotency(headers, deployment === null ? endpoint : `${endpoint} ${deployment}`, bytes),
  };
}

type Shape = Omit<Call, "endpoint" | "mayClamp" | "timeout" | "deadlineMs" | "idempotency">;

/** A body as it is read, and for writing, where that differs (`restoreDigits`). */
type Sent = Pick<ReadBody, "json" | "exact">;

function readShape(endpoint: EngineEndpoint, sent: Sent, models: readonly ModelRecord[]): Shape {
  const shape = readWritten(endpoint, sent.json, models);
  return sent.exact === null ? shape : writeExactly(shape, sent.exact);
}

function readWritten(endpoint: EngineEndpoint, json: unknown, models: readonly ModelRecord[]): Shape {
  if (endpoint === "completions") return readCompletions(parseBody(CompletionsBody, json), models);
  if (endpoint === "embeddings") return readEmbeddings(parseBody(EmbeddingsBody, json), models);
  if (endpoint === "chat.completions") return readChat(parseBody(ChatBody, json), endpoint, models);
  const body = parseBody(Text2SqlBody, json);
  const model = body.model ?? models.find((record) => record.endpoints.includes("text2sql"))?.id ?? "";
  return readChat({ ...body, model }, endpoint, models);
}

/** The same call with its numbers written as they came; what was bounded by its length is bounded by that. */
function writeExactly(shape: Shape, exact: JsonObject): Shape {
  const ours = { model: shape.model.id, max_tokens: shape.body.max_tokens };
  const body = writeBody(restoreDigits(shape.body, exact), ours);
  for (const param of ["response_format", "structured_outputs"]) {
    if (!isSmall(body[param] ?? null))
      throw new Refusal("invalid_value", { param, message: `'${param}' is too large.` });
  }
  const promptTokensMax = Math.max(shape.promptTokensMax, isChat(shape.path) ? boundChatPrompt(body) : 0);
  return { ...shape, body, promptTokensMax };
}

function readChat(body: ChatBody, endpoint: "chat.completions" | "text2sql", models: readonly ModelRecord[]): Shape {
  refuseStrayOptions(body);
  refuseUnsupportedParts(body.messages, body.tools ?? []);
  refuseRemoteMedia(body.messages);
  if (body.top_logprobs && !body.logprobs) {
    throw new Refusal("invalid_value", {
      param: "top_logprobs",
      message: "'top_logprobs' needs 'logprobs' to be true.",
    });
  }
  const model = findModel(models, body.model, endpoint);
  const requested = body.max_completion_tokens ?? body.max_tokens;
  const completionTokens = requested ?? Math.min(model.completionTokensDefault, model.contextTokensMax);
  const text = joinChatText(body);
  const tools = body.tools?.length ? estimateTokens(JSON.stringify(body.tools)) : 0;
  return {
    path: endpointPaths[endpoint].agent,
    model,
    body: writeBody(body, { model: model.id, max_tokens: completionTokens, max_completion_tokens: undefined }),
    isStream: body.stream ?? false,
    choices: body.n ?? 1,
    promptTokensMax: boundChatPrompt(body),
    promptTokensGuess: estimateTokens(text) + tools + 5 * body.messages.length + 20,
    completionTokens,
    isDefaultMax: requested === null || requested === undefined,
    hasImages: hasMedia(body),
    affinity: readAffinity(body, text),
  };
}

function readCompletions(body: CompletionsBody, models: readonly ModelRecord[]): Shape {
  refuseStrayOptions(body);
  const model = findModel(models, body.model, "completions");
  const completionTokens = body.max_tokens ?? completionTokensDefault;
  if (completionTokens === 0 && !body.echo) {
    throw new Refusal("invalid_value", {
      param: "max_tokens",
      message: "'max_tokens' must be at least 1; 0 is for 'echo', which gives the prompt back.",
    });
  }
  // An engine has to have room for one token, even where it is not asked for any.
  refuseLongPrompt(body, "prompt", body.prompt, model.contextTokensMax - 1);
  const text = joinPromptText(body.prompt);
  const bound = boundPrompt(body.prompt);
  return {
    path: endpointPaths.completions.agent,
    model,
    body: writeBody(body, { model: model.id, max_tokens: completionTokens, ...notChat }),
    isStream: body.stream ?? false,
    choices: (body.n ?? 1) * countPrompts(body.prompt),
    promptTokensMax: bound,
    promptTokensGuess: text.trim() ? estimateTokens(text) : bound,
    completionTokens,
    isDefaultMax: false,
    hasImages: false,
    affinity: readAffinity(body, text),
  };
}

function readEmbeddings(body: EmbeddingsBody, models: readonly ModelRecord[]): Shape {
  const model = findModel(models, body.model, "embeddings");
  refuseLongPrompt(body, "input", body.input, model.contextTokensMax);
  const text = joinPromptText(body.input);
  const bound = boundPrompt(body.input);
  return {
    path: endpointPaths.embeddings.agent,
    model,
    body: writeBody(body, { model: model.id, ...notChat }),
    isStream: false,
    choices: 0,
    promptTokensMax: bound,
    promptTokensGuess: text.trim() ? estimateTokens(text) : bound,
    completionTokens: 0,
    isDefaultMax: false,
    hasImages: false,
    affinity: text.slice(0, 1_024),
  };
}

/** Token ids need no tokenizer to be counted; a caller who wants a long prompt cut leaves it to the engine. */
function refuseLongPrompt(
  body: Record<string, unknown>,
  field: "prompt" | "input",
  prompt: PromptInput,
  tokensMax: number,
): void {
  const long = typeof body["truncate_prompt_tokens"] === "number" ? null : findLongPrompt(prompt, tokensMax);
  if (!long) return;
  const param = `${field}${long.path}`;
  throw new Refusal("context_length_exceeded", {
    param,
    message: `This model takes at most ${tokensMax} tokens; '${param}' has ${long.tokens}.`,
  });
}

/**
 * An engine that finds these on another endpoint may read the call as a chat, with another prompt than the held one.
 */
const notChat = { messages: undefined, documents: undefined, tools: undefined, chat_template_kwargs: undefined };

/** The body for the origin: the caller's members without reserved and null ones, then ours on top. */
function writeBody(body: Record<string, unknown>, ours: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries({ ...stripReserved(body), ...ours }).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(kept);
}

function refuseStrayOptions(body: { stream?: boolean | null | undefined; stream_options?: unknown }): void {
  if (body.stream_options && !body.stream) {
    throw new Refusal("invalid_value", {
      param: "stream_options",
      message: "'stream_options' is only allowed when 'stream' is true.",
    });
  }
}

/**
 * Finds a model by its id or an alias; refuses one that does not serve the endpoint, and names one that is not there.
 */
export function findModel(models: readonly ModelRecord[], name: string, endpoint: Endpoint): ModelRecord {
  const model = findByName(models, name);
  if (!model) throw refuseModel(name);
  if (endpoint === "models" || model.endpoints.includes(endpoint)) return model;
  throw new Refusal("invalid_value", { param: "model", message: `This model does not serve ${endpoint}.` });
}

function readAffinity(body: Record<string, unknown>, text: string): string {
  const own = body.prompt_cache_key;
  return typeof own === "string" && own !== "" ? own.slice(0, 1_024) : text.slice(0, 1_024);
}

function readIdempotency(headers: Headers, address: string, bytes: Uint8Array): Call["idempotency"] {
  const key = headers.get("idempotency-key");
  if (key === null) return null;
  if (key === "" || key.length > idempotencyKeyCharsMax) {
    throw new Refusal("invalid_value", {
      param: "Idempotency-Key",
      message: `Idempotency-Key must have 1 to ${idempotencyKeyCharsMax} characters.`,
    });
  }
  return { key: digestHex(key), body: digestHex(`${address} ${digestHex(bytes)}`) };
}
