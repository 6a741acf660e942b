import { completionTokensDefault } from "#edge/protocol/openai/completions.ts";
import { ChatBody } from "#edge/protocol/openai/members/chat.ts";
import { CompletionsBody } from "#edge/protocol/openai/members/completions.ts";
import { createFieldRefusal } from "#edge/protocol/fields.ts";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { GgufError } from "./gguf-error.ts";
import type { LlamaPrompt, Sampling, GenerateRequest, Turn } from "./llama.ts";
import { toGrammarSchema } from "./schema.ts";

/** A call as the model can take it. */
export interface GgufCall extends Pick<GenerateRequest, "prompt" | "sampling" | "stop" | "format"> {
  isStream: boolean;
  wantsUsage: boolean;
  wantsContinuousUsage: boolean;
  /** `null`: as many as fit. */
  maxTokens: number | null;
  /** Calls of one salt may find what an earlier one had read. */
  salt: string;
}

/**
 * What changes an answer and is not built here, with the values that ask for it. Ignoring them would give an answer
 * that the caller did not ask for.
 */
const unsupported: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value !== 1,
  logprobs: (value) => value !== false,
  top_logprobs: (value) => value !== 0,
  prompt_logprobs: () => true,
  echo: (value) => value !== false,
  suffix: (value) => value !== "",
  functions: isFilled,
  logit_bias: isFilled,
  structured_outputs: isFilled,
  documents: isFilled,
  chat_template_kwargs: isFilled,
  stop_token_ids: isFilled,
  bad_words: isFilled,
  allowed_token_ids: isFilled,
  min_tokens: (value) => value !== 0,
  ignore_eos: (value) => value !== false,
  include_stop_str_in_output: (value) => value !== false,
  continue_final_message: (value) => value !== false,
  add_generation_prompt: (value) => value !== true,
  audio: isFilled,
  modalities: (value) => !Array.isArray(value) || value.some((kind) => kind !== "text"),
};

/**
 * Reads a request of OpenAI's or vLLM's form. Throws a Fault that names the field: 400 for what nobody takes, 501 for
 * what is not built here.
 */
export function readGgufCall(isChat: boolean, body: JsonObject): GgufCall {
  const sent = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  const parsed = isChat ? ChatBody.safeParse(sent) : CompletionsBody.safeParse(sent);
  if (!parsed.success)
    throw new GgufError(400, "the body is not valid", createFieldRefusal(parsed.error).details.param ?? null);
  const { stop, stream, stream_options, max_tokens, response_format } = parsed.data;
  const stops = typeof stop === "string" ? [stop] : (stop ?? []);
  if (stops.includes("")) throw new GgufError(400, "a stop string must not be empty", "stop");
  const newer = sent["max_completion_tokens"];
  const requested = typeof newer === "number" ? newer : (max_tokens ?? null);
  const prompt = readPrompt(body);
  if (requested === 0) throw new GgufError(400, "nothing is to be generated, and echo is not supported", "max_tokens");
  return {
    prompt,
    sampling: readSampling(parsed.data),
    stop: stops,
    format: readFormat(response_format),
    isStream: stream === true,
    wantsUsage: stream_options?.include_usage === true,
    wantsContinuousUsage: stream_options?.continuous_usage_stats === true,
    maxTokens: isChat ? requested : (requested ?? completionTokensDefault),
    salt: typeof body["cache_salt"] === "string" ? body["cache_salt"] : "",
  };
}

/** What the model is to read. Throws a Fault as `readCall` does. */
export function readPrompt(body: JsonObject): LlamaPrompt {
  const field = Object.keys(unsupported).find((name) => isPresent(body[name]) && unsupported[name]?.(body[name]));
  if (field !== undefined) throw new GgufError(501, `${field} is not supported`, field);
  if (isFilled(body["tools"]) && body["tool_choice"] !== "none")
    throw new GgufError(501, "tools are not supported", "tools");
  const { messages, prompt } = body;
  if (Array.isArray(messages) && messages.length > 0) return { turns: messages.map(readTurn) };
  const [only, ...others]: unknown[] = Array.isArray(prompt) ? prompt : [prompt];
  if (typeof only === "string" && others.length === 0)
    return { text: only, ...(body["add_special_tokens"] === false && { isBare: true }) };
  if (Array.isArray(prompt)) throw new GgufError(501, "one prompt at a time, as text", "prompt");
  throw new GgufError(400, "messages or prompt is missing", messages === undefined ? "prompt" : "messages");
}

function readTurn(message: unknown, at: number): Turn {
  if (!isObject(message)) throw new GgufError(400, "a message must be an object", `messages[${at}]`);
  const { role, content } = message;
  if (role !== "system" && role !== "developer" && role !== "user" && role !== "assistant")
    throw new GgufError(501, "this role is not supported", `messages[${at}].role`);
  const call = ["tool_calls", "function_call"].find((name) => isFilled(message[name]));
  if (call !== undefined) throw new GgufError(501, "calls of tools are not supported", `messages[${at}].${call}`);
  const parts: unknown[] = Array.isArray(content) ? content : [{ type: "text", text: content ?? "" }];
  const texts = parts.map((part, index) => {
    if (isObject(part) && part["type"] === "text" && typeof part["text"] === "string") return part["text"];
    throw new GgufError(
      501,
      "only text is supported",
      `messages[${at}].content${Array.isArray(content) ? `[${index}].type` : ""}`,
    );
  });
  return { role: role === "developer" ? "system" : role, text: texts.join("") };
}

/** What the request leaves out gets OpenAI's default. */
function readSampling(body: ChatBody | CompletionsBody): Sampling {
  return {
    temperature: body.temperature ?? 1,
    topP: body.top_p ?? 1,
    topK: Math.max(0, body.top_k ?? 0),
    minP: body.min_p ?? 0,
    // llama.cpp takes 32 bits.
    seed: typeof body.seed === "number" ? body.seed >>> 0 : null,
    presencePenalty: body.presence_penalty ?? 0,
    frequencyPenalty: body.frequency_penalty ?? 0,
    repetitionPenalty: body.repetition_penalty ?? 1,
  };
}

function readFormat(format: ChatBody["response_format"]): GenerateRequest["format"] {
  if (!format || format.type === "text") return null;
  if (format.type === "json_object") return "json";
  const named = format.type === "json_schema" ? format["json_schema"] : null;
  const schema = isObject(named) ? toGrammarSchema(named["schema"]) : null;
  if (schema === null) throw new GgufError(501, "this format is not supported", "response_format");
  return { schema };
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isFilled(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) ? Object.keys(value).length > 0 : isPresent(value);
}
