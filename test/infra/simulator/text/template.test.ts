import { expect, test } from "vitest";
import { readMessages, renderChat } from "#infra/simulator/text/template.ts";
import { tokenize } from "#infra/simulator/text/tokenizer.ts";

const plain = { tools: [], hasGenerationPrompt: true, isContinued: false };
const user = (content: string) => ({ role: "user", content, toolCalls: [] });

test("a conversation without a system message gets Qwen's, and ends where the assistant begins", () => {
  expect(renderChat([user("Hi")], plain)).toBe(
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n" +
      "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
  );
});

test("a developer's message is the system's by another name", () => {
  const first = (role: string) => renderChat([{ role, content: "Be brief.", toolCalls: [] }, user("Hi")], plain);
  expect(first("developer")).toBe(first("system"));
});

test("a message costs five tokens beside its text", () => {
  const count = (texts: string[]) => tokenize(renderChat(texts.map(user), plain)).length;
  expect(count(["a", "7"]) - count(["a"])).toBe(6);
});

test("tools are described in the system message; calls and their results are messages", () => {
  const messages = readMessages(
    [
      { role: "assistant", content: null, tool_calls: [{ function: { name: "f", arguments: "{}" } }] },
      { role: "tool", content: "42" },
    ],
    { name: "m", mediaTokens: 0 },
  );
  const text = renderChat(messages, { ...plain, tools: [{ type: "function" }] });
  expect(text).toContain('<tools>\n{"type":"function"}\n</tools>');
  expect(text).toContain(
    '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\n42',
  );
});

test("a continued message stays open; text parts are joined by a newline", () => {
  const messages = readMessages(
    [
      {
        role: "assistant",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
    ],
    { name: "m", mediaTokens: 0 },
  );
  expect(
    renderChat(messages, { tools: [], hasGenerationPrompt: false, isContinued: true }).endsWith("assistant\na\nb"),
  ).toBe(true);
});

test("a medium counts what its model says; a model that takes none says so", () => {
  const content = [
    { type: "text", text: "See:" },
    { type: "image_url", image_url: {} },
  ];
  const read = (mediaTokens: number) => readMessages([{ role: "user", content }], { name: "m", mediaTokens });
  const count = (mediaTokens: number) => tokenize(renderChat(read(mediaTokens), plain)).length;
  expect(count(170) - count(1)).toBe(169);
  expect(() => read(0)).toThrow("m is not a multimodal model");
});
