import { describe, expect, test } from "vitest";
import type { JsonObject } from "#edge/agreements/json.ts";
import { Message } from "#edge/protocol/anthropic/answers.ts";
import { buildMessage } from "#origin/calls/wires/messages/whole.ts";
import { readRecording, readRecordings, type Recording } from "#test/support/recordings.ts";
import { collect, context, streamOf, wholeOf } from "./world.ts";

const build = (message: unknown, end: object = { finish_reason: "stop" }) =>
  buildMessage({ choices: [{ message, ...end }] }, context);

describe("a whole answer as a message", () => {
  test("has thoughts, text and calls in this order, and is what the API's document says", () => {
    const message = build(
      {
        role: "assistant",
        content: "text",
        reasoning: "hm",
        tool_calls: [{ id: "i", type: "function", function: { name: "n", arguments: '{"a":1}' } }],
      },
      { finish_reason: "tool_calls" },
    );
    expect(Message.parse(message)).toEqual({
      id: `msg_${context.reference}`,
      type: "message",
      role: "assistant",
      model: context.model,
      content: [
        { type: "thinking", thinking: "hm", signature: context.reference },
        { type: "text", text: "text" },
        { type: "tool_use", id: "i", name: "n", input: { a: 1 } },
      ],
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: { input_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 32, output_tokens: 4 },
    });
  });

  test("arguments that are no JSON break nothing", () => {
    const call = { id: "i", function: { name: "n", arguments: '{"a":' } };
    expect(build({ tool_calls: [call] }, { finish_reason: "length" })).toMatchObject({
      content: [{ type: "tool_use", input: { INVALID_JSON: '{"a":' } }],
      stop_reason: "max_tokens",
    });
  });

  test("nothing in it is no content", () => {
    for (const message of [{ content: null }, { content: "", tool_calls: [] }, null, 5])
      expect(build(message)).toMatchObject({ content: [], stop_reason: "end_turn" });
    expect(buildMessage({}, context)).toMatchObject({ content: [] });
  });

  test("says of the same call what vLLM's own /v1/messages says", () => {
    const theirs = JSON.parse(readRecording<Recording>("messages").body ?? "");
    const ours = build({ role: "assistant", content: theirs.content[0].text }, { finish_reason: "length" });
    const { id: _, ...said } = theirs;
    expect(ours).toMatchObject(said);
  });
});

describe("what a real vLLM streamed", () => {
  const recorded = readRecordings<Recording>().filter(
    ([name, { blocks, status }]) => name.startsWith("chat-stream") && blocks && status === 200,
  );

  test.each(recorded)("%s is the same as events and as a whole", (_, { blocks = [] }) => {
    const payloads = blocks.flatMap((block) => (block.startsWith("data: {") ? [JSON.parse(block.slice(6))] : []));
    const choices: JsonObject[] = payloads.flatMap((chunk) => chunk.choices).filter(({ index }) => index === 0);
    const whole = wholeOf(choices);
    const streamed = collect(streamOf(choices));
    const asWhole = streamed.map(({ type, text }) => (type === "tool_use" ? JSON.parse(text) : text));
    expect(asWhole).toEqual(whole.content.map(({ text, thinking, input }) => text ?? thinking ?? input));
    expect(streamOf(choices).at(-2)?.delta).toEqual({
      stop_reason: whole.stop_reason,
      stop_sequence: whole.stop_sequence,
    });
  });

  test("there are many of them", () => expect(recorded.length).toBeGreaterThan(15));
});
