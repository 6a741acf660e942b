import { randomBytes } from "node:crypto";
import type { Ask, Scribe, Tally } from "./call.ts";
import type { Choice, Delta } from "./choice.ts";
import { tellUsage, type FaultRule } from "../faults.ts";
import { Fields } from "./fields.ts";
import { fingerprint } from "../identity.ts";
import { chatLogprobs, promptLogprobs } from "./logprobs.ts";
import { problem, invalid, type Flaw, type Problem } from "../problems.ts";
import { checkEarly, readSampling, readUsageWish, samplingKinds, sharedFlaws } from "./sampling.ts";
import { isRecord } from "../text/schema.ts";
import { checkTools, structuredScript, toolScript } from "../text/script.ts";
import { admit, type ServedModel, type ServedModels } from "../served-model.ts";
import { readMessages, renderChat, type Message } from "../text/template.ts";
import { tokenCharsMax, tokenize } from "../text/tokenizer.ts";

const chatKinds = {
  ...samplingKinds,
  logprobs: "boolean",
  top_logprobs: "integer",
  prompt_logprobs: "integer",
  add_generation_prompt: "boolean",
  continue_final_message: "boolean",
} as const;

/** A chat call as asked, with what the answer's writer needs to know of it. */
export interface ChatAsk extends Ask {
  /** The last message, when it is the assistant's and `echo` wants it before the answer. */
  echoed: string;
  promptLogprobs: number | null;
}

/** Reads a body of `/v1/chat/completions`; throws vLLM's errors, in vLLM's order. */
export function readChat(
  raw: Readonly<Record<string, unknown>>,
  models: ServedModels,
  requestId: string | null,
): ChatAsk {
  checkEarly(raw);
  checkTools(raw);
  checkTopLogprobs(raw);
  if (raw["messages"] === null) throw problem("'NoneType' object is not iterable");
  const fields = new Fields(raw, chatKinds, [...messageFlaws(raw), ...toolFlaws(raw), ...sharedFlaws(raw)]);
  const model = models.find(fields.text("model"), false);
  admit(model, fields.number("n") ?? 1);
  const { contextTokens } = model.engine.profile;
  const logprobs = fields.is("logprobs") ? (fields.number("top_logprobs") ?? 0) : null;
  const sampling = readSampling(fields, contextTokens, null, logprobs);
  if (raw["chat_template"]) {
    throw problem(
      "Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with untrusted chat template.",
    );
  }
  const { messages, prompt } = readPrompt(fields, model);
  const last = messages.at(-1);
  const seed = `${model.name}\n${prompt.join(" ")}\n${sampling.isGreedy ? "" : (sampling.seed ?? "")}`;
  return {
    id: `chatcmpl-${requestId ?? fields.text("request_id") ?? randomBytes(8).toString("hex")}`,
    model,
    prompts: [prompt],
    sampling,
    isStream: fields.is("stream"),
    usage: readUsageWish(raw),
    scriptFor: (index) =>
      toolScript(raw, last?.role ?? "", `${seed}\n${index}`) ?? structuredScript(raw, `${seed}\n${index}`),
    echoed: fields.is("echo") && last?.role === "assistant" ? last.content : "",
    promptLogprobs: fields.number("prompt_logprobs"),
  };
}

/** The messages, and the prompt that the template makes of them. Throws vLLM's 400 when it does not fit the context. */
export function readPrompt(fields: Fields, model: ServedModel): { messages: Message[]; prompt: number[] } {
  const messages = readMessages(fields.list("messages"), model.name);
  if (messages.length === 0)
    throw problem("Cannot apply chat template to an empty conversation. Provide at least one message.");
  const isContinued = fields.is("continue_final_message");
  const hasGenerationPrompt = fields.raw["add_generation_prompt"] === undefined || fields.is("add_generation_prompt");
  if (isContinued && hasGenerationPrompt) {
    throw problem(
      "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you want the model to continue the final message, " +
        "and add_generation_prompt when you want to add a header that will prompt it to start a new assistant message instead.",
    );
  }
  const { contextTokens } = model.engine.profile;
  const text = renderChat(messages, { tools: fields.list("tools"), hasGenerationPrompt, isContinued });
  checkLength(text, fields, contextTokens);
  return { messages, prompt: fitPrompt(tokenize(text), fields, contextTokens) };
}

/** The last `truncate_prompt_tokens` of a prompt; -1 means as many as fit. */
export function truncated(prompt: number[], fields: Fields, tokensMax = prompt.length): number[] {
  const wish = fields.number("truncate_prompt_tokens");
  return wish === null ? prompt : prompt.slice(-(wish < 0 ? tokensMax : wish));
}

/**
 * vLLM does not count the tokens of a text that cannot fit even if all its tokens were the longest there are: a 400 of
 * its own.
 */
export function checkLength(text: string, fields: Fields, contextTokens: number): void {
  const charsMax = contextTokens * tokenCharsMax;
  if (text.length <= charsMax || fields.number("truncate_prompt_tokens") !== null) return;
  const message =
    `This model's maximum context length is ${contextTokens} tokens. However, your prompt contains ${text.length} characters (more than ${charsMax} characters, ` +
    `which is the upper bound for ${contextTokens} input tokens). Please reduce the length of the input prompt.`;
  throw problem(message, "input_text", text.length);
}

/** The 400 of a prompt that is too long by itself. */
export function contextExceeded(contextTokens: number): Problem {
  const message =
    `This model's maximum context length is ${contextTokens} tokens. However, your prompt contains at least ${contextTokens + 1} input tokens, which exceeds ` +
    "this limit even without any output tokens. Please reduce the length of the input prompt.";
  return problem(message, "input_tokens", contextTokens + 1);
}

/** The prompt, cut from the left when asked. vLLM stops counting one token above the limit. */
export function fitPrompt(prompt: number[], fields: Fields, contextTokens: number): number[] {
  const kept = truncated(prompt, fields, contextTokens - 1);
  if (kept.length > contextTokens) throw contextExceeded(contextTokens);
  if (kept.length === contextTokens) throw problem("max_tokens must be at least 1, got 0.", "max_tokens", 0);
  return kept;
}

function checkTopLogprobs(raw: Readonly<Record<string, unknown>>) {
  const top = raw["top_logprobs"];
  if (typeof top !== "number") return;
  if (top < 0 && top !== -1) throw problem("`top_logprobs` must be a positive value or -1.", "top_logprobs", top);
  if (top !== 0 && !raw["logprobs"])
    throw problem("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs");
}

function messageFlaws(raw: Readonly<Record<string, unknown>>): Flaw[] {
  const { messages } = raw;
  if (messages === undefined) return [{ type: "missing", loc: "body.messages", msg: "Field required", input: raw }];
  if (!Array.isArray(messages))
    return [{ type: "list_type", loc: "body.messages", msg: "Input should be a valid list", input: messages }];
  return messages.flatMap((message: unknown, at): Flaw[] => {
    const loc = `body.messages.${at}.ChatCompletionDeveloperMessageParam`;
    if (!isRecord(message))
      return [{ type: "dict_type", loc, msg: "Input should be a valid dictionary", input: message }];
    const { role, content } = message;
    if (typeof role !== "string")
      return [{ type: "missing", loc: `${loc}.role`, msg: "Field required", input: message }];
    if (content === undefined || content === null || typeof content === "string" || Array.isArray(content)) return [];
    return [{ type: "string_type", loc: `${loc}.content`, msg: "Input should be a valid string", input: content }];
  });
}

function toolFlaws({ tools }: Readonly<Record<string, unknown>>): Flaw[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: unknown, at): Flaw[] =>
    isRecord(tool) && isRecord(tool["function"])
      ? []
      : [{ type: "missing", loc: `body.tools.${at}.function`, msg: "Field required", input: tool }],
  );
}

/** Writes chat answers as vLLM does, key for key. */
export class ChatScribe implements Scribe {
  readonly #ask: ChatAsk;
  readonly #rules: readonly FaultRule[];
  readonly #created: number;
  readonly #head: string;
  readonly #callIds = new Map<number, string>();

  constructor(ask: ChatAsk, rules: readonly FaultRule[], nowMs: number) {
    this.#ask = ask;
    this.#rules = rules;
    this.#created = Math.floor(nowMs / 1_000);
    this.#head = `{"id":${JSON.stringify(ask.id)},"object":"chat.completion.chunk","created":${this.#created},"model":${JSON.stringify(ask.model.name)},"choices":[`;
  }

  opening(tally: Tally): string[] {
    const { sampling, prompts, echoed } = this.#ask;
    const ids = sampling.hasTokenIds ? JSON.stringify(prompts[0]) : "null";
    const usage = this.#continuous({ ...tally, completionTokens: 0 });
    const indexes = Array.from({ length: sampling.n }, (_, index) => index);
    const roles = indexes.map(
      (index) =>
        `${this.#head}{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]${usage},"prompt_token_ids":${ids},"prompt_text":null}`,
    );
    const echoes = indexes.map(
      (index) =>
        `${this.#head}{"index":${index},"delta":{"content":${JSON.stringify(echoed)}},"logprobs":null,"finish_reason":null}]${usage}}`,
    );
    return echoed === "" ? roles : [...roles, ...echoes];
  }

  chunk(choice: Choice, delta: Delta, tally: Tally): string {
    const { sampling, usage } = this.#ask;
    const logprobs =
      sampling.logprobs === null
        ? "null"
        : JSON.stringify(
            chatLogprobs(
              delta.tokens,
              choice.completionTokens - delta.tokens.length,
              sampling.logprobs,
              sampling.hasIdsForTokens,
            ),
          );
    const finish =
      delta.finish === null
        ? "null"
        : `"${this.#finishReason(choice, delta)}","stop_reason":${JSON.stringify(delta.stopReason)}`;
    const ids = sampling.hasTokenIds ? JSON.stringify(delta.tokens) : "null";
    const print = delta.finish !== null && !usage.isFinal ? `,"system_fingerprint":"${fingerprint}"` : "";
    return `${this.#head}{"index":${choice.index},"delta":${this.#delta(choice, delta)},"logprobs":${logprobs},"finish_reason":${finish},"token_ids":${ids}}]${this.#continuous(tally)}${print}}`;
  }

  closing({ promptTokens, completionTokens, cachedTokens, createdTokens }: Tally): string | null {
    const usage = tellUsage(
      {
        prompt_tokens: promptTokens,
        total_tokens: promptTokens + completionTokens,
        completion_tokens: completionTokens,
        prompt_tokens_details: { cached_tokens: cachedTokens, created_cache_tokens: createdTokens },
      },
      this.#rules,
    );
    return usage === null ? null : `${this.#head}],"usage":${usage},"system_fingerprint":"${fingerprint}"}`;
  }

  whole(
    choices: readonly { choice: Choice; delta: Delta }[],
    { promptTokens, completionTokens, cachedTokens, createdTokens }: Tally,
  ): string {
    const { id, model, prompts, sampling, promptLogprobs: prompted } = this.#ask;
    const details = { cached_tokens: cachedTokens, created_cache_tokens: createdTokens, multimodal_tokens: null };
    const counts = {
      prompt_tokens: promptTokens,
      total_tokens: promptTokens + completionTokens,
      completion_tokens: completionTokens,
    };
    const usage = tellUsage(
      { ...counts, prompt_tokens_details: details, completion_tokens_details: null },
      this.#rules,
    );
    const body = JSON.stringify({
      id,
      object: "chat.completion",
      created: this.#created,
      model: model.name,
      choices: choices.map(({ choice, delta }) => this.#wholeChoice(choice, delta)),
      service_tier: null,
      system_fingerprint: fingerprint,
      usage: 0,
      prompt_logprobs: prompted === null ? null : promptLogprobs(prompts[0] ?? [], prompted),
      prompt_token_ids: sampling.hasTokenIds ? prompts[0] : null,
      prompt_text: null,
      kv_transfer_params: null,
      ec_transfer_params: null,
      metrics: null,
    });
    // `usage` is already JSON, and may be a lie that is no JSON value of ours; it takes the place held for it.
    return body.replace(
      `"system_fingerprint":"${fingerprint}","usage":0,`,
      () => `"system_fingerprint":"${fingerprint}",${usage === null ? "" : `"usage":${usage},`}`,
    );
  }

  #wholeChoice(choice: Choice, delta: Delta) {
    const { sampling, echoed } = this.#ask;
    const calls =
      delta.isCall && delta.finish === "stop"
        ? {
            tool_calls: [
              {
                id: this.#callId(choice),
                type: "function",
                function: { name: choice.toolName, arguments: delta.args },
              },
            ],
          }
        : null;
    const cut = choice.toolName !== "" && calls === null ? choice.rawText : "";
    return {
      index: choice.index,
      message: {
        role: "assistant",
        content: calls !== null && choice.isToolFree ? null : `${echoed}${delta.text}${cut}`,
        refusal: null,
        annotations: null,
        audio: null,
        function_call: null,
        ...calls,
        reasoning: null,
      },
      logprobs:
        sampling.logprobs === null ? null : chatLogprobs(delta.tokens, 0, sampling.logprobs, sampling.hasIdsForTokens),
      finish_reason: this.#finishReason(choice, delta),
      stop_reason: delta.stopReason,
      token_ids: sampling.hasTokenIds ? delta.tokens : null,
      routed_experts: null,
    };
  }

  #delta(choice: Choice, { text, isCall, args }: Delta): string {
    if (!isCall && args === "") return text === "" ? "{}" : `{"content":${JSON.stringify(text)}}`;
    const told = args === "" ? "" : `"arguments":${JSON.stringify(args)}`;
    if (!isCall) return `{"content":null,"tool_calls":[{"index":0,"function":{${told}}}]}`;
    const name = `"name":${JSON.stringify(choice.toolName)}${told && `,${told}`}`;
    return `{"content":null,"tool_calls":[{"id":"${this.#callId(choice)}","type":"function","index":0,"function":{${name}}}]}`;
  }

  /** OpenAI's rule, which vLLM keeps: a tool that the caller named ends with `stop`. */
  #finishReason(choice: Choice, { finish }: Delta): string {
    return choice.hasCalled && finish === "stop" && !choice.isToolNamed ? "tool_calls" : (finish ?? "stop");
  }

  #callId(choice: Choice): string {
    const id = this.#callIds.get(choice.index) ?? `chatcmpl-tool-${randomBytes(8).toString("hex")}`;
    this.#callIds.set(choice.index, id);
    return id;
  }

  #continuous({ promptTokens, completionTokens }: Tally): string {
    if (!this.#ask.usage.isContinuous) return "";
    const usage = tellUsage(
      {
        prompt_tokens: promptTokens,
        total_tokens: promptTokens + completionTokens,
        completion_tokens: completionTokens,
        completion_tokens_details: null,
      },
      this.#rules,
    );
    return usage === null ? "" : `,"usage":${usage}`;
  }
}

/** A flaw of a chat body that is found by another route, such as `/tokenize`. */
export const flawedMessages = (raw: Readonly<Record<string, unknown>>): void => {
  const flaws = messageFlaws(raw);
  if (flaws.length > 0) throw invalid(flaws);
};
