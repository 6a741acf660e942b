import { expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { openaiWire } from "#edge/protocol/wires/openai.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { openForeignStream } from "#origin/calls/wires/foreign-stream.ts";
import type { AnswerWire } from "#origin/calls/wires/wire.ts";

/** A protocol that writes each text on a line of its own. */
const lines: AnswerWire = {
  nameAnswer: (reference) => reference,
  form: openaiWire.stream,
  openTranslator: ({ readUsage }) => ({
    begin: () => "begin\n",
    add: ({ delta }) => `${JSON.stringify(delta)}\n`,
    end: () => `end ${readUsage().completion}\n`,
  }),
  buildWhole: (answer) => answer,
};
const bounds = { tokensHeld: 100, completionTokensMax: 50, choicesPerPrompt: 1, echoChunks: 0 };
const counting = { choices: 1, hasContinuousUsage: true, isUsageOfOneChoice: false };

function open(hidesReasoning = false) {
  const meter = new UsageMeter(bounds);
  const context = {
    reference: "r".repeat(22),
    model: "public",
    repeated: {},
    startedAtMs: 0,
    now: () => 0,
    readFirstTokenAtMs: () => null,
    readUsage: () => ({ prompt: 0, cached: 0, completion: meter.completionSoFar, reasoning: 0 }),
  };
  return openForeignStream(meter, { ...counting, wire: lines, context, hidesReasoning });
}

const chunk = (delta: object, finish: string | null = null) =>
  Buffer.from(JSON.stringify({ id: "c", choices: [{ index: 0, delta, finish_reason: finish }] })).toString("latin1");
const utf8 = (text: string) => Buffer.from(text, "latin1").toString("utf8");

test("each chunk is counted and goes on in the other form, begun once and ended once", () => {
  const stream = open();
  expect(utf8(stream.read(chunk({ content: "é日" })) ?? "")).toBe('begin\n{"content":"é日"}\n');
  expect(stream.hasFinished).toBe(false);
  expect(stream.frame(stream.read(chunk({ content: "b" }, "stop")) ?? "")).toBe('{"content":"b"}\n');
  expect([stream.hasFinished, stream.responseId, stream.finish()]).toEqual([true, "c", "end 2\n"]);
});

test("what no chunk is is told as that, and what says nothing passes nothing on", () => {
  const stream = open();
  expect([stream.read("null"), stream.read('{"error":{"message":"x"}}'), stream.read("}")]).toEqual(["", null, null]);
  expect(stream.finish()).toBe("begin\nend 0\n");
});

test("reasoning that nobody wants is counted and hidden", () => {
  const stream = open(true);
  expect(stream.read(chunk({ reasoning: "thought" }))).toBe("");
  expect(stream.finish()).toBe("begin\nend 1\n");
});

test("a stream that broke ends in the protocol's own form", () => {
  expect(open().fail(new Refusal("stream_broken"))).toContain("stream_broken");
  expect(open().fail(null)).toBe("");
});
