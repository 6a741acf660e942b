import { isObject, type JsonObject } from "../../agreements/json.ts";
import { isChat, type EngineEndpoint } from "../../agreements/paths.ts";
import type { ModelRecord } from "../../agreements/records/model.ts";
import { Refusal } from "../../errors.ts";
import type { Visit } from "../../visit.ts";
import { readJson, type ReadBody } from "../body.ts";
import { restoreDigits } from "../digits.ts";
import { isSmall, parseBody } from "../fields.ts";
import { writeBody, type ParsedBody } from "./parsed-body.ts";
import { boundChat, ChatBody, readChat, Text2SqlBody } from "./chat.ts";
import { CompletionsBody, EmbeddingsBody, readCompletions, readEmbeddings } from "./completions.ts";
import { addDeployment } from "./deployment.ts";
import { readIdempotency, type Idempotency } from "./idempotency.ts";
import { readTimeout, type CallTimeout } from "./timeout.ts";
import { omitUnsent } from "./unsupported.ts";

/** What a call's address says of it; `deployment` is the model that an address in Azure's form names. */
export interface CallAddress {
  endpoint: EngineEndpoint;
  deployment: string | null;
}

/** A parsed request: what the caller wants, in our terms, and the body to send to the origin. */
export interface Call extends ParsedBody {
  endpoint: EngineEndpoint;
  mayClamp: boolean;
  /** How long the caller waits; `deadlineMs` is when that is over, in Unix ms. */
  timeout: CallTimeout;
  deadlineMs: number;
  idempotency: Idempotency | null;
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

/** A body as it is read, and for writing, where that differs (`restoreDigits`). */
type Sent = Pick<ReadBody, "json" | "exact">;

function readShape(endpoint: EngineEndpoint, sent: Sent, models: readonly ModelRecord[]): ParsedBody {
  const shape = readWritten(endpoint, sent.json, models);
  return sent.exact === null ? shape : writeExactly(shape, sent.exact);
}

function readWritten(endpoint: EngineEndpoint, json: unknown, models: readonly ModelRecord[]): ParsedBody {
  if (endpoint === "completions") return readCompletions(parseBody(CompletionsBody, json), models);
  if (endpoint === "embeddings") return readEmbeddings(parseBody(EmbeddingsBody, json), models);
  if (endpoint === "chat.completions") return readChat(parseBody(ChatBody, json), endpoint, models);
  const body = parseBody(Text2SqlBody, json);
  const model = body.model ?? models.find((record) => record.endpoints.includes("text2sql"))?.id ?? "";
  return readChat({ ...body, model }, endpoint, models);
}

/** The same call with its numbers written as they came; what was bounded by its length is bounded by that. */
function writeExactly(shape: ParsedBody, exact: JsonObject): ParsedBody {
  const ours = { model: shape.model.id, max_tokens: shape.body.max_tokens };
  const body = writeBody(restoreDigits(shape.body, exact), ours);
  for (const param of ["response_format", "structured_outputs"]) {
    if (!isSmall(body[param] ?? null))
      throw new Refusal("invalid_value", { param, message: `'${param}' is too large.` });
  }
  const promptTokensMax = Math.max(shape.promptTokensMax, isChat(shape.path) ? boundChat(body, shape.model) : 0);
  return { ...shape, body, promptTokensMax };
}
