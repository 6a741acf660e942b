import { callPaths, takesFile, type CallPath, type PromptField } from "#edge/agreements/paths.ts";
import { Refusal } from "#edge/errors.ts";
import { describeContextLimit } from "#edge/protocol/openai/bounds/context-length.ts";
import { isObject, parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { audioReasons, brokenBounds, expectedTypes, refusedReasons, type RefusedReason } from "./refused-reasons.ts";

/** The request that an engine refused, as it was sent. */
export interface RefusedCall {
  path: CallPath;
  body: JsonObject;
}

/** What an engine's error answer says, in vLLM's form, its older flat form, or FastAPI's. */
interface EngineError {
  message: string;
  param: string | null;
}

/**
 * How engines word 'prompt and completion do not fit'; the newest vLLM, older ones, llama.cpp, Ollama. A prompt that
 * fills the context to its last token leaves vLLM a `max_tokens` of 0, which nobody requested: we never send less than
 * 1. Before these words stands nothing that could quote the request: no quote, colon or bracket but the engine's own.
 */
const contextPattern = new RegExp(
  [
    "^(?:'max_tokens' or 'max_completion_tokens' is too large: \\d+\\. )?(?:[\\w ,.()=+-]|model's ){0,300}?(?:",
    "context length|context window|context size|max_model_len",
    "|maximum (?:model|input) length",
    "|exceeds? the (?:available )?context",
    "|max_tokens must be at least 1, got 0)",
  ].join(""),
  "i",
);
/**
 * Where a fault of pydantic's begins: on a line of its own, or, in the older form, the first one alone: what follows it
 * there may be a text of the caller's that looks like another.
 */
const shapeFault = /(?:^\[|\n {2})\{'type': '(\w{1,40})', 'loc': ('[\w.]{1,300}'|\([^)]{1,300}\))/g;
const fieldPath = /^[A-Za-z_]\w{0,63}(?:\[\d{1,6}\]|\.\w{1,64}){0,16}$/;
const retryAfterMsMax = 60_000;

/**
 * Says no in our words for an engine that did: the field and the cause where the reason is known, never the engine's
 * text, which may hold the prompt, paths or addresses. Faults of our configuration (unknown model, wrong key) are 502,
 * so that a caller is never told that their key is wrong.
 */
export function translateError(status: number, body: string, call: RefusedCall, retryAfter?: string): Refusal {
  const log = `engine_status ${status}`;
  if (status === 400 || status === 422) return translateRefused(body, call, log);
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

function translateRefused(body: string, call: RefusedCall, log: string): Refusal {
  const error = readEngineError(body);
  const context = contextPattern.exec(error.message);
  if (context) {
    const param = callPaths[call.path].prompt;
    return new Refusal("context_length_exceeded", { param, message: readLimit(context, param), log });
  }
  const reasons = takesFile(call.path) ? audioReasons : refusedReasons;
  const reason = reasons.find(({ pattern }) => pattern.test(error.message));
  if (reason) return translateReason(reason, call, log);
  const fault = readShapeFault(error.message);
  const param = formatPath(error.param) ?? fault?.param ?? null;
  if (param === null)
    return new Refusal("invalid_value", { message: "The engine of this model does not accept this request.", log });
  const message = fault?.message ?? "The engine of this model does not accept the value of '{param}'.";
  return new Refusal("invalid_value", { param, message: message.replace("{param}", () => param), log });
}

/** The limit is a number right behind the words that say that it was passed; nothing else of them is repeated. */
function readLimit({ 0: words, input }: RegExpExecArray, field: PromptField): string | undefined {
  const [, limit] = /^[ a-z_=(]{0,24}(\d{1,9})\b/.exec(input.slice(words.length)) ?? [];
  return limit === undefined ? undefined : describeContextLimit(field, Number(limit));
}

function translateReason({ code = "invalid_value", params, message }: RefusedReason, call: RefusedCall, log: string) {
  const param =
    params.find((name) => call.body[name] !== undefined && call.body[name] !== null) ??
    params.find((name) => name === callPaths[call.path].prompt) ??
    params[0];
  return new Refusal(code, { param, message: message?.replace("{param}", () => param ?? ""), log });
}

/**
 * pydantic lists each way in which a value fits none of the forms that it may have. Those of the first field count: a
 * bound that it breaks says more than a type, which it only has to have in one of the forms.
 */
function readShapeFault(message: string): { param: string; message: string | null } | null {
  const faults = Array.from(message.matchAll(shapeFault), ([, kind = "", location = ""]) => ({
    kind,
    param: formatPath(readLocation(location)),
  }));
  const param = faults[0]?.param ?? null;
  if (param === null) return null;
  const kinds = faults.filter((fault) => fault.param === param).map(({ kind }) => kind);
  const bound = kinds.map((kind) => brokenBounds[kind]).find((sentence) => sentence !== undefined);
  const types = new Set(kinds.flatMap((kind) => expectedTypes[kind] ?? []));
  const expected = types.size === 0 ? null : `'{param}' must be ${Array.from(types).join(" or ")}.`;
  return { param, message: bound ?? expected };
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

/** pydantic prints where it failed: `('body', 'messages', 0, 'role')`, or `'body.messages.0.role'`. */
function readLocation(location: string): string {
  if (location.startsWith("'")) return location.slice(1, -1);
  return Array.from(location.matchAll(/'([A-Za-z_]\w{0,63})'|(\d{1,6})/g), ([, name, index]) => name ?? index).join(
    ".",
  );
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
