import { expect, test } from "vitest";
import { nameCall, writeHead, writeSignature, writeStart, writeUsage } from "#origin/calls/wires/messages/message.ts";

const context = { reference: "r".repeat(22), model: "m" };

test("the three sorts of input are the prompt that is billed", () => {
  const usage = writeUsage({ prompt: 33, cached: 32, completion: 4, reasoning: 0 });
  expect(usage).toEqual({
    input_tokens: 1,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 32,
    output_tokens: 4,
  });
});

test("a message, its thoughts and calls without an id are named by their call", () => {
  expect(writeHead(context)).toEqual({
    id: `msg_${context.reference}`,
    type: "message",
    role: "assistant",
    model: "m",
  });
  expect(writeSignature(context)).not.toBe("");
  expect([nameCall("call_1", context, 2), nameCall("", context, 2)]).toEqual([
    "call_1",
    `toolu_${context.reference}_2`,
  ]);
});

test("each kind of block begins empty", () => {
  expect(writeStart({ kind: "text" })).toEqual({ type: "text", text: "" });
  expect(writeStart({ kind: "thinking" })).toEqual({ type: "thinking", thinking: "", signature: "" });
  expect(writeStart({ kind: "tool_use", id: "i", name: "n" })).toEqual({
    type: "tool_use",
    id: "i",
    name: "n",
    input: {},
  });
});
