import type { ServerResponse } from "node:http";
import type { JsonObject } from "#edge/agreements/json.ts";
import type { GenerateResult } from "./llama.ts";

/** How an answer is to be written. */
export interface AnswerWriterOptions {
  isChat: boolean;
  isStream: boolean;
  wantsUsage: boolean;
  wantsContinuousUsage: boolean;
  model: string;
  promptTokens: number;
  /** The answer's own part of its id, and when it began in Unix ms. */
  id: string;
  startedAtMs: number;
}

/** Writes one answer, in OpenAI's form and with vLLM's `reasoning`: as chunks while it is made, or whole at its end. */
export interface AnswerWriter {
  write(text: string, isThought: boolean, completionTokens: number): void;
  finish(result: GenerateResult, cachedTokens: number): void;
}

/**
 * A stream begins at once, before the prompt is read; a chat's first event says how long it is. Usage in a chunk is
 * what llama.cpp had made by then.
 */
export function openAnswerWriter(response: ServerResponse, options: AnswerWriterOptions): AnswerWriter {
  const { isChat, isStream, wantsUsage, wantsContinuousUsage, model } = options;
  const id = `${isChat ? "chatcmpl" : "cmpl"}-${options.id}`;
  const object = isChat ? (isStream ? "chat.completion.chunk" : "chat.completion") : "text_completion";
  const common = { id, object, created: Math.floor(options.startedAtMs / 1_000), model };
  const whole = { content: "", reasoning: "" };
  const event = (choices: JsonObject[], usage: JsonObject | null) =>
    response.write(`data: ${JSON.stringify({ ...common, choices, ...(usage && { usage }) })}\n\n`);
  const chunk = (delta: JsonObject, finish: string | null, usage: JsonObject) =>
    event(
      [{ index: 0, ...(isChat ? { delta } : { text: delta["content"] ?? "" }), finish_reason: finish }],
      wantsContinuousUsage ? usage : null,
    );
  if (isStream) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    if (isChat) chunk({ role: "assistant", content: "" }, null, buildUsage(options, 0));
  }
  return {
    write(text, isThought, completionTokens) {
      if (text === "") return;
      const part = isThought ? "reasoning" : "content";
      if (isStream) chunk({ [part]: text }, null, buildUsage(options, completionTokens));
      else whole[part] += text;
    },
    finish({ reason, completionTokens }, cachedTokens) {
      // Not on every chunk: the agent reads a usage of plain figures by position.
      const usage = {
        ...buildUsage(options, completionTokens),
        ...(cachedTokens > 0 && { prompt_tokens_details: { cached_tokens: cachedTokens } }),
      };
      if (isStream) {
        chunk({}, reason, usage);
        if (wantsUsage) event([], usage);
        response.end("data: [DONE]\n\n");
        return;
      }
      const { content, reasoning } = whole;
      const message = { role: "assistant", content, ...(reasoning !== "" && { reasoning }) };
      const choice = { index: 0, ...(isChat ? { message } : { text: content }), finish_reason: reason };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ ...common, choices: [choice], usage }));
    },
  };
}

function buildUsage({ promptTokens }: AnswerWriterOptions, tokens: number): JsonObject {
  return { prompt_tokens: promptTokens, total_tokens: promptTokens + tokens, completion_tokens: tokens };
}
