import { randomBytes } from "node:crypto";
import { writeUsage, type FaultRule } from "../faults.ts";
import { fingerprint } from "../identity.ts";
import type { AnswerSerializer, UsageCounts } from "./generate-answer.ts";
import type { ChatRequest } from "./chat.ts";
import type { Choice, Delta } from "./choice.ts";
import { chatLogprobs, promptLogprobs } from "./logprobs.ts";

/** Writes chat answers as vLLM does, key for key. */
export class ChatSerializer implements AnswerSerializer {
  readonly #request: ChatRequest;
  readonly #rules: readonly FaultRule[];
  readonly #created: number;
  readonly #head: string;
  readonly #callIds = new Map<number, string>();

  constructor(request: ChatRequest, rules: readonly FaultRule[], nowMs: number) {
    this.#request = request;
    this.#rules = rules;
    this.#created = Math.floor(nowMs / 1_000);
    this.#head =
      `{"id":${JSON.stringify(request.id)},"object":"chat.completion.chunk","created":${this.#created},` +
      `"model":${JSON.stringify(request.model.name)},"choices":[`;
  }

  opening(counts: UsageCounts): string[] {
    const { sampling, prompts, echoed } = this.#request;
    const ids = sampling.hasTokenIds ? JSON.stringify(prompts[0]) : "null";
    const usage = this.#writeContinuousUsage({ ...counts, completionTokens: 0 });
    const indexes = Array.from({ length: sampling.n }, (_, index) => index);
    const roles = indexes.map(
      (index) =>
        `${this.#head}{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,` +
        `"finish_reason":null}]${usage},"prompt_token_ids":${ids},"prompt_text":null}`,
    );
    const echoes = indexes.map(
      (index) =>
        `${this.#head}{"index":${index},"delta":{"content":${JSON.stringify(echoed)}},"logprobs":null,` +
        `"finish_reason":null}]${usage}}`,
    );
    return echoed === "" ? roles : [...roles, ...echoes];
  }

  chunk(choice: Choice, delta: Delta, counts: UsageCounts): string {
    const { sampling, usage } = this.#request;
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
        : `"${this.#readFinishReason(choice, delta)}","stop_reason":${JSON.stringify(delta.stopReason)}`;
    const ids = sampling.hasTokenIds ? JSON.stringify(delta.tokens) : "null";
    const print = delta.finish !== null && !usage.isFinal ? `,"system_fingerprint":"${fingerprint}"` : "";
    return (
      `${this.#head}{"index":${choice.index},"delta":${this.#writeDelta(choice, delta)},"logprobs":${logprobs},` +
      `"finish_reason":${finish},"token_ids":${ids}}]${this.#writeContinuousUsage(counts)}${print}}`
    );
  }

  closing({ promptTokens, completionTokens, cachedTokens, createdTokens }: UsageCounts): string | null {
    const usage = writeUsage(
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
    { promptTokens, completionTokens, cachedTokens, createdTokens }: UsageCounts,
  ): string {
    const { id, model, prompts, sampling, promptLogprobs: prompted } = this.#request;
    const details = { cached_tokens: cachedTokens, created_cache_tokens: createdTokens, multimodal_tokens: null };
    const counts = {
      prompt_tokens: promptTokens,
      total_tokens: promptTokens + completionTokens,
      completion_tokens: completionTokens,
    };
    const usage = writeUsage(
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
    const { sampling, echoed } = this.#request;
    const calls =
      delta.isCall && delta.finish === "stop"
        ? {
            tool_calls: [
              {
                id: this.#makeCallId(choice),
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
        reasoning: delta.reasoning === "" ? null : delta.reasoning,
      },
      logprobs:
        sampling.logprobs === null ? null : chatLogprobs(delta.tokens, 0, sampling.logprobs, sampling.hasIdsForTokens),
      finish_reason: this.#readFinishReason(choice, delta),
      stop_reason: delta.stopReason,
      token_ids: sampling.hasTokenIds ? delta.tokens : null,
      routed_experts: null,
    };
  }

  #writeDelta(choice: Choice, { text, reasoning, isCall, args }: Delta): string {
    if (!isCall && args === "")
      return JSON.stringify({ ...(reasoning !== "" && { reasoning }), ...(text !== "" && { content: text }) });
    const argsText = args === "" ? "" : `"arguments":${JSON.stringify(args)}`;
    if (!isCall) return `{"content":null,"tool_calls":[{"index":0,"function":{${argsText}}}]}`;
    const name = `"name":${JSON.stringify(choice.toolName)}${argsText && `,${argsText}`}`;
    return (
      `{"content":null,"tool_calls":[{"id":"${this.#makeCallId(choice)}","type":"function","index":0,` +
      `"function":{${name}}}]}`
    );
  }

  /** OpenAI's rule, which vLLM keeps: a tool that the caller named ends with `stop`. */
  #readFinishReason(choice: Choice, { finish }: Delta): string {
    return choice.hasCalled && finish === "stop" && !choice.isToolNamed ? "tool_calls" : (finish ?? "stop");
  }

  #makeCallId(choice: Choice): string {
    const id = this.#callIds.get(choice.index) ?? `chatcmpl-tool-${randomBytes(8).toString("hex")}`;
    this.#callIds.set(choice.index, id);
    return id;
  }

  #writeContinuousUsage({ promptTokens, completionTokens }: UsageCounts): string {
    if (!this.#request.usage.isContinuous) return "";
    const usage = writeUsage(
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
