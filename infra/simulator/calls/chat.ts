import { randomBytes } from "node:crypto";
import type { CallRequest } from "./generate-answer.ts";
import { Fields } from "./fields.ts";
import { makeProblem, makeInvalid, type Flaw } from "../problems.ts";
import { readPrompt } from "./prompt.ts";
import { checkEarly, readSampling, readUsageOptions, samplingKinds, findSharedFlaws } from "./sampling.ts";
import { isRecord } from "../text/schema.ts";
import { checkTools, makeStructuredScript, makeToolScript } from "../text/script.ts";
import { admit, type ServedModels } from "../served-model.ts";

const chatKinds = {
  ...samplingKinds,
  logprobs: "boolean",
  top_logprobs: "integer",
  prompt_logprobs: "integer",
  add_generation_prompt: "boolean",
  continue_final_message: "boolean",
} as const;

/** A chat call, with what the answer's writer needs to know of it. */
export interface ChatRequest extends CallRequest {
  /** The last message, when it is the assistant's and `echo` wants it before the answer. */
  echoed: string;
  promptLogprobs: number | null;
}

/** Reads a body of `/v1/chat/completions`; throws vLLM's errors, in vLLM's order. */
export function readChat(
  raw: Readonly<Record<string, unknown>>,
  models: ServedModels,
  requestId: string | null,
): ChatRequest {
  checkEarly(raw);
  checkTools(raw);
  checkTopLogprobs(raw);
  if (raw["messages"] === null) throw makeProblem("'NoneType' object is not iterable");
  const fields = new Fields(raw, chatKinds, [...findMessageFlaws(raw), ...findToolFlaws(raw), ...findSharedFlaws(raw)]);
  const model = models.find(fields.text("model"), false);
  admit(model, fields.number("n") ?? 1);
  const { contextTokens } = model.engine.profile;
  const logprobs = fields.is("logprobs") ? (fields.number("top_logprobs") ?? 0) : null;
  const sampling = readSampling(fields, contextTokens, null, logprobs);
  if (raw["chat_template"]) {
    throw makeProblem(
      "Chat template is passed with request, but --trust-request-chat-template is not set. Refused request " +
        "with untrusted chat template.",
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
    usage: readUsageOptions(raw),
    scriptFor: (index) =>
      makeToolScript(raw, last?.role ?? "", `${seed}\n${index}`) ?? makeStructuredScript(raw, `${seed}\n${index}`),
    thinkingTokens: model.thinkingTokens,
    echoed: fields.is("echo") && last?.role === "assistant" ? last.content : "",
    // vLLM scores the prompt for `echo` alone.
    promptLogprobs:
      fields.number("prompt_logprobs") ?? (fields.is("echo") ? (fields.number("top_logprobs") ?? 0) : null),
  };
}

function checkTopLogprobs(raw: Readonly<Record<string, unknown>>) {
  const top = raw["top_logprobs"];
  if (typeof top !== "number") return;
  if (top < 0 && top !== -1) throw makeProblem("`top_logprobs` must be a positive value or -1.", "top_logprobs", top);
  if (top !== 0 && !raw["logprobs"])
    throw makeProblem("when using `top_logprobs`, `logprobs` must be set to true.", "top_logprobs");
}

function findMessageFlaws(raw: Readonly<Record<string, unknown>>): Flaw[] {
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

function findToolFlaws({ tools }: Readonly<Record<string, unknown>>): Flaw[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: unknown, at): Flaw[] =>
    isRecord(tool) && isRecord(tool["function"])
      ? []
      : [{ type: "missing", loc: `body.tools.${at}.function`, msg: "Field required", input: tool }],
  );
}

/** Checks the messages of a body, also for `/tokenize`; throws vLLM's 400 with what is wrong. */
export const checkMessages = (raw: Readonly<Record<string, unknown>>): void => {
  const flaws = findMessageFlaws(raw);
  if (flaws.length > 0) throw makeInvalid(flaws);
};
