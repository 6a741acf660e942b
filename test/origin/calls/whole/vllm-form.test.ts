import { expect, test } from "vitest";
import { completeVllmForm } from "#origin/calls/whole/vllm-form.ts";

const chat = (message: object, request: object = {}) =>
  completeVllmForm(
    { choices: [{ index: 0, message, finish_reason: "stop" }] },
    "/v1/chat/completions",
    request as Record<string, unknown>,
  )["choices"] as { message: Record<string, unknown> }[];
const text = (choice: object, request: object = {}) =>
  completeVllmForm({ choices: [{ index: 0, ...choice }] }, "/v1/completions", request as Record<string, unknown>)[
    "choices"
  ] as Record<string, unknown>[];

test("beside a tool call or reasoning an empty content is null, but for a call that was ordered", () => {
  const call = { content: "", tool_calls: [{}] };
  expect(chat({ content: "" })[0]?.message["content"]).toBe("");
  expect(chat(call)[0]?.message["content"]).toBeNull();
  expect(chat({ content: "", reasoning: "x" })[0]?.message["content"]).toBeNull();
  expect(chat(call, { tool_choice: "auto" })[0]?.message["content"]).toBeNull();
  expect(chat(call, { tool_choice: "required" })[0]?.message["content"]).toBe("");
  expect(chat(call, { tool_choice: { type: "function" } })[0]?.message["content"]).toBe("");
  expect(chat({ content: "x", tool_calls: [{}] })[0]?.message["content"]).toBe("x");
});

test("members that are not there are null, those that we do not know stay, and tool calls are left out", () => {
  const [choice] = chat({ role: "assistant", content: "x", strange: 1 });
  expect(Object.keys(choice?.message ?? {})).toEqual(
    "role content refusal annotations audio function_call reasoning strange".split(" "),
  );
});

test("offsets count the code points of the tokens, not the text that a chunk had sent by then", () => {
  const tokens = ["He", "llo", " 🌍", "!"];
  const [choice] = text({ logprobs: { text_offset: [0, 0, 4, 9], tokens, token_logprobs: [], top_logprobs: [] } });
  expect(choice?.["logprobs"]).toMatchObject({ text_offset: [0, 2, 5, 7], tokens });
});

test("an echoed prompt's ids are shown to whoever asked for ids", () => {
  const choice = { text: "x", prompt_token_ids: [1, 2] };
  expect(text(choice)[0]?.["prompt_token_ids"]).toBeNull();
  expect(text(choice, { return_token_ids: true })[0]?.["prompt_token_ids"]).toEqual([1, 2]);
});

test("usage is completed where there is one", () => {
  const answer = (usage: object | undefined) =>
    completeVllmForm({ choices: [], ...(usage && { usage }) }, "/v1/completions", {});
  expect(answer(undefined)).not.toHaveProperty("usage");
  expect(answer({ prompt_tokens: 1, prompt_tokens_details: { cached_tokens: 2 } })["usage"]).toEqual({
    prompt_tokens: 1,
    total_tokens: null,
    completion_tokens: null,
    prompt_tokens_details: { cached_tokens: 2, created_cache_tokens: null, multimodal_tokens: null },
    completion_tokens_details: null,
  });
});
