import { randomBytes } from "node:crypto";
import { checkMessages } from "./calls/chat.ts";
import { readInputs } from "./calls/completions.ts";
import { Fields } from "./calls/fields.ts";
import { contextExceeded, readPrompt, truncatePrompt } from "./calls/prompt.ts";
import { vllmVersion } from "./identity.ts";
import { writeMetrics } from "./metrics.ts";
import { hashHex } from "./text/hash.ts";
import { embed } from "./calls/logprobs.ts";
import { makeInvalid, makeProblem, type Flaw } from "./problems.ts";
import type { OracleRecord } from "./text/oracle.ts";
import { admit, type ServedModel, type ServedModels } from "./served-model.ts";
import { chatTemplate } from "./text/template.ts";
import { detokenize, endOfText, imEnd, tokenize, tokenText, vocabularySize } from "./text/tokenizer.ts";

const dimensionsDefault = 384;

/** `GET /v1/models`: a card for each name, aliases included. */
export function listModels(models: ServedModels, createdMs: number): string {
  const created = Math.floor(createdMs / 1_000);
  const cards = models.all.flatMap((model) => model.names.map((name) => writeCard(model, name, created)));
  return JSON.stringify({ object: "list", data: cards });
}

/** `GET /version`: the vLLM that is simulated. */
export function answerVersion(): string {
  return JSON.stringify({ version: vllmVersion });
}

/** `GET /metrics`: the figures of every model's engine, in Prometheus' text format. */
export function answerMetrics(models: ServedModels): string {
  return writeMetrics(new Map(models.all.map(({ name, engine }) => [name, engine])));
}

function writeCard(model: ServedModel, id: string, created: number) {
  const permission = {
    id: `modelperm-${hashHex(id, 16)}`,
    object: "model_permission",
    created,
    allow_create_engine: false,
    allow_sampling: true,
    allow_logprobs: true,
    allow_search_indices: false,
    allow_view: true,
    allow_fine_tuning: false,
    organization: "*",
    group: null,
    is_blocking: false,
  };
  const { contextTokens } = model.engine.profile;
  return {
    id,
    object: "model",
    created,
    owned_by: "vllm",
    root: model.name,
    parent: null,
    max_model_len: contextTokens,
    permission: [permission],
  };
}

/** `POST /tokenize`: ids of a prompt, or of a conversation with the template around it. */
export function answerTokenize(raw: Readonly<Record<string, unknown>>, models: ServedModels): string {
  const fields = new Fields(
    raw,
    {
      model: "text",
      return_token_strs: "boolean",
      add_generation_prompt: "boolean",
      continue_final_message: "boolean",
    },
    findPromptFlaws(raw),
  );
  const model = findAny(models, fields.text("model"));
  if (raw["prompt"] === undefined) checkMessages(raw);
  const tokens = raw["prompt"] === undefined ? readPrompt(fields, model).prompt : tokenize(String(raw["prompt"]));
  // A model that ranks reads such a mark behind each of its two texts.
  if (model.speech === "scores" && raw["add_special_tokens"] !== false) tokens.push(endOfText);
  const strings = fields.is("return_token_strs")
    ? tokens.map((token) => tokenText(token).replaceAll(" ", "Ġ").replaceAll("\n", "Ċ"))
    : null;
  return JSON.stringify({
    count: tokens.length,
    max_model_len: model.engine.profile.contextTokens,
    tokens,
    token_strs: strings,
  });
}

/** Any model can tokenize, embedding models too. */
function findAny(models: ServedModels, name: string | null): ServedModel {
  const ranker = models.all.find(({ speech, names }) => speech === "scores" && names.includes(name ?? ""));
  if (ranker) return ranker;
  const isEmbedding =
    models.all.every(({ speech }) => speech === "vectors") ||
    models.all.some(({ speech, names }) => speech === "vectors" && names.includes(name ?? ""));
  return models.find(name, isEmbedding);
}

function findPromptFlaws(raw: Readonly<Record<string, unknown>>): Flaw[] {
  if (typeof raw["prompt"] === "string" || raw["messages"] !== undefined) return [];
  const describeMissing = (name: string): Flaw => ({
    type: "missing",
    loc: `body.${name}`,
    msg: "Field required",
    input: raw,
  });
  const isGiven = raw["prompt"] !== undefined;
  return [
    isGiven
      ? { type: "string_type", loc: "body.prompt", msg: "Input should be a valid string", input: raw["prompt"] }
      : describeMissing("prompt"),
    describeMissing("messages"),
  ];
}

/** `POST /detokenize`. Ids beyond the vocabulary stand for nothing. */
export function answerDetokenize(raw: Readonly<Record<string, unknown>>, models: ServedModels): string {
  const tokens = raw["tokens"];
  if (!Array.isArray(tokens))
    throw makeInvalid([{ type: "missing", loc: "body.tokens", msg: "Field required", input: raw }]);
  const fields = new Fields(raw, { model: "text" });
  findAny(models, fields.text("model"));
  return JSON.stringify({
    prompt: detokenize(tokens.filter((token) => Number.isInteger(token) && token >= 0 && token < vocabularySize)),
  });
}

/** `GET /tokenizer_info`, as vLLM has it with `--enable-tokenizer-info-endpoint`: what tokenizer_config.json says. */
export function describeTokenizer(): string {
  return JSON.stringify({
    tokenizer_class: "SimulatedTokenizer",
    name_or_path: "simulated",
    bos_token: null,
    eos_token: tokenText(imEnd),
    pad_token: { __type: "AddedToken", content: tokenText(endOfText), special: true },
    add_bos_token: false,
    model_max_length: vocabularySize,
    chat_template: chatTemplate,
  });
}

/**
 * `POST /v1/embeddings`: prefills each input in the engine, and answers with a vector that depends on its text alone.
 */
export async function embedInputs(
  raw: Readonly<Record<string, unknown>>,
  models: ServedModels,
  { record, signal, nowMs }: { record: OracleRecord; signal: AbortSignal; nowMs: number },
): Promise<string | null> {
  const fields = new Fields(raw, {
    model: "text",
    dimensions: "integer",
    encoding_format: "text",
    truncate_prompt_tokens: "integer",
    add_generation_prompt: "boolean",
  });
  const isChat = Array.isArray(raw["messages"]);
  const texts = isChat ? [] : readInputs(raw);
  const model = models.find(fields.text("model"), true);
  admit(model, 1);
  const { contextTokens } = model.engine.profile;
  const inputs = isChat
    ? [readPrompt(fields, model).prompt]
    : texts.map((tokens) => truncatePrompt(tokens, fields, contextTokens));
  if (inputs.length === 0) throw makeProblem("You must pass at least one prompt");
  if (inputs.some((tokens) => tokens.length === 0)) throw makeProblem("The decoder prompt cannot be empty");
  const long = inputs.find((tokens) => tokens.length > contextTokens);
  if (long) {
    throw contextExceeded(contextTokens);
  }
  record.id = `embd-${randomBytes(8).toString("hex")}`;
  record.promptTokens = inputs.reduce((sum, tokens) => sum + tokens.length, 0);
  if (!signal.aborted) await Promise.all(inputs.map((tokens) => prefill(model, tokens, signal)));
  if (signal.aborted) return null;
  const dimensions = fields.number("dimensions") ?? dimensionsDefault;
  const isBase64 = fields.text("encoding_format") === "base64";
  const rows = inputs.map((tokens, index) => {
    const vector = embed(tokens, dimensions);
    return {
      index,
      object: "embedding",
      embedding: isBase64 ? Buffer.from(Float32Array.from(vector).buffer).toString("base64") : vector,
    };
  });
  const usage = {
    prompt_tokens: record.promptTokens,
    total_tokens: record.promptTokens,
    completion_tokens: 0,
    prompt_tokens_details: null,
    completion_tokens_details: null,
  };
  return JSON.stringify({
    id: record.id,
    object: "list",
    created: Math.floor(nowMs / 1_000),
    model: model.name,
    data: rows,
    usage,
  });
}

/** Has the model read these tokens, and resolves when it has, or when the caller has left. */
export function prefill(model: ServedModel, tokens: readonly number[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const step = (): "stop" => {
      resolve();
      return "stop";
    };
    const sequence = model.engine.submit({ tokens: tokens.length > 0 ? tokens : [0], salt: "", priority: 0, step });
    signal.addEventListener("abort", () => {
      model.engine.abort(sequence);
      resolve();
    });
  });
}
