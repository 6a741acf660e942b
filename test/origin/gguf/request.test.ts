import { describe, expect, test } from "vitest";
import { GgufError } from "#origin/gguf/gguf-error.ts";
import { readGgufCall, readPrompt } from "#origin/gguf/request.ts";

const chat = { model: "m", messages: [{ role: "user", content: "Hi" }] };
const tool = { type: "function", function: { name: "f" } };
const plain = { model: "m", prompt: "Hi" };

function catchError(work: () => unknown): [number, string | null] {
  try {
    work();
  } catch (error) {
    if (error instanceof GgufError) return [error.status, error.param];
    throw error;
  }
  throw new Error("no fault");
}

describe("a call", () => {
  test("that says little gets OpenAI's defaults, not llama.cpp's", () => {
    expect(readGgufCall(true, chat)).toEqual({
      prompt: { turns: [{ role: "user", text: "Hi" }] },
      sampling: {
        temperature: 1,
        topP: 1,
        topK: 0,
        minP: 0,
        seed: null,
        presencePenalty: 0,
        frequencyPenalty: 0,
        repetitionPenalty: 1,
      },
      stop: [],
      format: null,
      isStream: false,
      wantsUsage: false,
      wantsContinuousUsage: false,
      maxTokens: null,
      salt: "",
    });
    expect(readGgufCall(false, plain)).toMatchObject({ prompt: { text: "Hi" }, maxTokens: 16 });
  });

  test("that says much is understood", () => {
    const given = {
      temperature: 0,
      top_p: 0.9,
      top_k: -1,
      min_p: 0.1,
      seed: -1,
      presence_penalty: 1,
      frequency_penalty: -1,
      repetition_penalty: 1.2,
      max_tokens: 3,
      max_completion_tokens: 5,
      stop: "x",
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
      cache_salt: "s",
      response_format: { type: "json_object" },
      logit_bias: {},
      tools: [],
      n: 1,
    };
    expect(readGgufCall(true, { ...chat, ...given })).toMatchObject({
      sampling: {
        temperature: 0,
        topP: 0.9,
        topK: 0,
        minP: 0.1,
        seed: 4_294_967_295,
        presencePenalty: 1,
        frequencyPenalty: -1,
        repetitionPenalty: 1.2,
      },
      maxTokens: 5,
      stop: ["x"],
      isStream: true,
      wantsUsage: true,
      wantsContinuousUsage: true,
      salt: "s",
      format: "json",
    });
    expect(
      readGgufCall(true, {
        ...chat,
        response_format: { type: "json_schema", json_schema: { name: "a", schema: { type: "string" } } },
      }).format,
    ).toEqual({ schema: { type: "string" } });
    expect(readGgufCall(true, { ...chat, tools: [tool], tool_choice: "none" }).prompt).toEqual({
      turns: [{ role: "user", text: "Hi" }],
    });
  });

  test.each<[Record<string, unknown>, string]>([
    [{ n: 2 }, "n"],
    [{ logprobs: true }, "logprobs"],
    [{ top_logprobs: 1 }, "top_logprobs"],
    [{ tools: [tool] }, "tools"],
    [{ functions: [{ name: "f" }] }, "functions"],
    [{ logit_bias: { 1: 1 } }, "logit_bias"],
    [{ structured_outputs: { regex: "a" } }, "structured_outputs"],
    [
      {
        response_format: { type: "json_schema", json_schema: { name: "a", schema: { type: "string", pattern: "a" } } },
      },
      "response_format",
    ],
    [{ response_format: { type: "structural_tag" } }, "response_format"],
    [{ min_tokens: 2 }, "min_tokens"],
    [{ ignore_eos: true }, "ignore_eos"],
    [{ chat_template_kwargs: { enable_thinking: false } }, "chat_template_kwargs"],
    [{ continue_final_message: true }, "continue_final_message"],
    [{ modalities: ["text", "audio"] }, "modalities"],
    [{ messages: [{ role: "tool", tool_call_id: "1", content: "x" }] }, "messages[0].role"],
    [
      { messages: [{ role: "assistant", content: null, tool_calls: [{ id: "1", function: { name: "f" } }] }] },
      "messages[0].tool_calls",
    ],
    [
      {
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "a" },
              { type: "image_url", image_url: { url: "data:," } },
            ],
          },
        ],
      },
      "messages[0].content[1].type",
    ],
  ])("%j is refused by name, and not passed over", (fields, param) => {
    expect(catchError(() => readGgufCall(true, { ...chat, ...fields }))).toEqual([501, param]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ echo: true }, "echo"],
    [{ suffix: "x" }, "suffix"],
    [{ logprobs: 0 }, "logprobs"],
    [{ prompt: ["a", "b"] }, "prompt"],
    [{ prompt: [1, 2] }, "prompt"],
  ])("a completion's %j as well", (fields, param) => {
    expect(catchError(() => readGgufCall(false, { ...plain, ...fields }))).toEqual([501, param]);
  });

  test("nothing to generate is nonsense, and a prompt is not scored here", () => {
    expect(catchError(() => readGgufCall(false, { ...plain, max_tokens: 0 }))).toEqual([400, "max_tokens"]);
    expect(catchError(() => readGgufCall(false, { ...plain, max_tokens: 0, echo: true }))).toEqual([501, "echo"]);
  });

  test.each<[Record<string, unknown>, number, string]>([
    [{ temperature: 3 }, 400, "temperature"],
    [{ stop: [""] }, 400, "stop[0]"],
    [{ max_tokens: 0 }, 400, "max_tokens"],
    [{ messages: [] }, 400, "messages"],
    [{ messages: [{ role: "user", content: [{ text: "x" }] }] }, 400, "messages[0].content[0].type"],
  ])("nonsense is nonsense: %j", (fields, status, param) => {
    expect(catchError(() => readGgufCall(true, { ...chat, ...fields }))).toEqual([status, param]);
  });
});

describe("a prompt", () => {
  test("of parts is joined; a developer is the system", () => {
    const messages = [
      { role: "developer", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
      { role: "assistant", content: null },
    ];
    expect(readPrompt({ messages })).toEqual({
      turns: [
        { role: "system", text: "Be brief." },
        { role: "user", text: "ab" },
        { role: "assistant", text: "" },
      ],
    });
  });

  test("in a list of one is that one; a text can be counted without its mark", () => {
    expect(readPrompt({ prompt: ["a"] })).toEqual({ text: "a" });
    expect(readPrompt({ prompt: "a", add_special_tokens: false })).toEqual({ text: "a", isBare: true });
  });

  test("that is missing is named", () => {
    expect(catchError(() => readPrompt({}))).toEqual([400, "prompt"]);
  });
});
