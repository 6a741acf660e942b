import { Refusal } from "#edge/errors.ts";
import { isObject, parseObject } from "#edge/agreements/json.ts";
import type { CallPath } from "#edge/agreements/paths.ts";

/** Which member holds the prompt. */
export const promptFields: Readonly<Record<CallPath, string>> = {
  "/v1/chat/completions": "messages",
  "/v1/completions": "prompt",
  "/v1/embeddings": "input",
};

/** What an engine's error answer says, in vLLM's form, its older flat form, or FastAPI's. */
interface EngineError {
  message: string;
  param: string | null;
}

/**
 * How engines word 'prompt and completion do not fit'; the newest vLLM, older ones, llama.cpp, Ollama. A prompt that
 * fills the context to its last token leaves vLLM a `max_tokens` of 0, which nobody requested: we never send less than
 * 1.
 */
const contextPattern = new RegExp(
  [
    "context length|context window|context size|max_model_len",
    "maximum (?:model|input) length",
    "exceeds? the (?:available )?context",
    "max_tokens must be at least 1, got 0",
  ].join("|"),
  "i",
);
const fieldPath = /^[A-Za-z_]\w{0,63}(?:\[\d{1,6}\]|\.\w{1,64}){0,16}$/;
const retryAfterMsMax = 60_000;

/**
 * Says no in our words for an engine that did: never its text, which may hold the prompt, paths or addresses. Faults of
 * our configuration (unknown model, wrong key) are 502, so that a caller is never told that their key is wrong.
 */
export function translateError(status: number, body: string, path: CallPath, retryAfter?: string): Refusal {
  const log = `engine_status ${status}`;
  if (status === 400 || status === 422) return translateRefused(body, path, log);
  if (status === 413) return new Refusal("request_too_large", { log });
  if (status === 501) return translateUnsupported(body, log);
  if (status === 429 || status === 503) {
    // A dead vLLM answers 503 with nothing in it; one that is full says so.
    if (status === 503 && body.trim() === "") return new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log });
    return new Refusal("server_is_overloaded", { retryAfterMs: readRetryAfter(retryAfter), log });
  }
  if (status === 504 || status === 408) return new Refusal("gateway_timeout", { log });
  return new Refusal("bad_gateway", { log });
}

/** Did the engine refuse because prompt and completion together are longer than its context? */
export function isContextError(status: number, body: string): boolean {
  return status === 400 && contextPattern.test(readEngineError(body).message);
}

function translateRefused(body: string, path: CallPath, log: string): Refusal {
  const error = readEngineError(body);
  if (contextPattern.test(error.message))
    return new Refusal("context_length_exceeded", { param: promptFields[path], log });
  const param = formatPath(error.param) ?? formatPath(readLocation(error.message));
  if (param === null)
    return new Refusal("invalid_value", { message: "The engine of this model does not accept this request.", log });
  return new Refusal("invalid_value", {
    param,
    message: `The engine of this model does not accept the value of '${param}'.`,
    log,
  });
}

function translateUnsupported(body: string, log: string): Refusal {
  const param = formatPath(readEngineError(body).param);
  if (param === null)
    return new Refusal("unsupported_parameter", {
      message: "The engine of this model does not support what the request asks for.",
      log,
    });
  return new Refusal("unsupported_parameter", {
    param,
    message: `The engine of this model does not support this value of '${param}'.`,
    log,
  });
}

function readEngineError(body: string): EngineError {
  const json = parseObject(body);
  if (!json) return { message: "", param: null };
  const error = isObject(json["error"]) ? json["error"] : json;
  const { message, param, detail } = error;
  const text = typeof message === "string" ? message : typeof detail === "string" ? detail : "";
  return { message: text, param: typeof param === "string" ? param : null };
}

/** pydantic prints where it failed: `'loc': ('body', 'messages', 0, 'role')`, or `'loc': 'body.messages.0.role'`. */
function readLocation(message: string): string | null {
  const flat = /'loc': '([\w.]{1,300})'/.exec(message)?.[1];
  if (flat !== undefined) return flat;
  const steps = /'loc': \(([^)]{1,300})\)/.exec(message)?.[1];
  return steps === undefined
    ? null
    : Array.from(steps.matchAll(/'([A-Za-z_]\w{0,63})'|(\d{1,6})/g), ([, name, index]) => name ?? index).join(".");
}

/**
 * An engine's path in our form: `body.messages.0.ChatCompletionUserMessageParam.role` is `messages[0].role`. Anything
 * but names and indices is no path.
 */
function formatPath(location: string | null): string | null {
  if (location === null) return null;
  const steps = location.split(/\.|\[(?=\d)/).map((step) => step.replace(/\]$/, ""));
  const named = steps.filter((step, at) => !(at === 0 && step === "body") && !/^[A-Z]/.test(step));
  const path = named
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
  return fieldPath.test(path) ? path : null;
}

function readRetryAfter(header: string | undefined): number {
  const seconds = /^\d{1,5}$/.test(header ?? "") ? Number(header) : 1;
  return Math.min(Math.max(seconds, 1) * 1_000, retryAfterMsMax);
}
