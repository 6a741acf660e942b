import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "#edge/agreements/json.ts";
import { Response, ResponseStreamEvent } from "#edge/protocol/openai/responses/answers.ts";
import { Refusal } from "#edge/errors.ts";
import { AnswerAssembly } from "#origin/calls/whole/assemble-answer.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import { ResponseTranslator } from "#origin/calls/wires/responses/stream.ts";
import { buildWholeResponse } from "#origin/calls/wires/responses/whole.ts";
import { isReplayable, readRecordings, type Recording } from "#test/support/recordings.ts";
import { contextOf, readEvents, usage, writeStream, type ReadEvent } from "./world.ts";

const tools = [
  { type: "function", name: "f" },
  { type: "custom", name: "patch" },
  { type: "namespace", name: "files", tools: [{ type: "function", name: "read" }] },
];
const translate = (choices: JsonObject[]) => writeStream(new ResponseTranslator(contextOf({ tools })), choices);
const delta = (part: JsonObject, more: JsonObject = {}) => ({ index: 0, delta: part, finish_reason: null, ...more });
const finish = (reason: string) => ({ index: 0, delta: {}, finish_reason: reason });
const call = (index: number, name: string, text: string) => ({
  index,
  id: `call_${index}`,
  type: "function",
  function: { name, arguments: text },
});
const shortTypes = (events: ReadEvent[]) => events.map(({ type }) => type.replace("response.", ""));

describe("a stream", () => {
  test("of text has OpenAI's events in their order, and what was billed at its end", () => {
    const events = translate([delta({ role: "assistant", content: "" }), delta({ content: "Hi" }), finish("stop")]);
    expect(shortTypes(events)).toEqual([
      "created",
      "in_progress",
      "output_item.added",
      "content_part.added",
      "output_text.delta",
      "output_text.done",
      "content_part.done",
      "output_item.done",
      "completed",
    ]);
    expect(events[0]?.["response"]).toMatchObject({ status: "in_progress", output: [], usage: null });
    expect(events.at(-1)?.["response"]).toMatchObject({
      output: [{ type: "message", content: [{ text: "Hi" }] }],
      usage: { input_tokens: usage.prompt, output_tokens: usage.completion },
    });
  });

  test("ends what is thought where something is said, and what is said where something is called", () => {
    const events = translate([
      delta({ reasoning: "Hm." }),
      delta({ content: "Hi" }),
      delta({ tool_calls: [call(0, "f", '{"a"')] }),
      delta({ tool_calls: [call(1, "files__read", "{}")] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: ":1}" } }] }),
      finish("tool_calls"),
    ]);
    expect(shortTypes(events).filter((type) => type.startsWith("output_item"))).toEqual(
      ["added", "done", "added", "done", "added", "added", "done", "done"].map((end) => `output_item.${end}`),
    );
    const response = Response.parse(events.at(-1)?.["response"]);
    expect(response.output).toMatchObject([
      { type: "reasoning" },
      { type: "message" },
      { type: "function_call", name: "f", arguments: '{"a":1}' },
      { type: "function_call", name: "read", namespace: "files" },
    ]);
  });

  test("that was cut short is incomplete in its last item", () => {
    const last = translate([delta({ reasoning: "Hm." }), delta({ content: "Hi" }), finish("length")]).at(-1);
    expect(last).toMatchObject({
      type: "response.incomplete",
      response: {
        status: "incomplete",
        incomplete_details: { reason: "max_output_tokens" },
        output: [{ status: "completed" }, { status: "incomplete" }],
      },
    });
  });

  test("of nothing has an empty message, with the log-probabilities of what left no text", () => {
    const logprobs = { content: [{ token: "<end>", logprob: 0, top_logprobs: [] }] };
    const events = translate([delta({ content: "" }, { logprobs, finish_reason: "stop" })]);
    expect(Response.parse(events.at(-1)?.["response"]).output).toMatchObject([
      { type: "message", content: [{ text: "", logprobs: logprobs.content }] },
    ]);
  });

  test("whose call never gets a name tells of it all the same", () => {
    const events = translate([delta({ tool_calls: [{ index: 0, function: { arguments: "{}" } }] }), finish("stop")]);
    expect(Response.parse(events.at(-1)?.["response"]).output).toMatchObject([
      { type: "function_call", name: "", arguments: "{}", call_id: "call_0123456789abcdefghijkl_0" },
    ]);
  });

  test("that breaks says how far it came, then ends with the error, numbered on", () => {
    const translator = new ResponseTranslator(contextOf());
    const text = translator.begin() + translator.add(delta({ content: "Hi" }));
    const events = readEvents(text + translator.fail(new Refusal("stream_broken")));
    const [failed, error] = events.slice(-2);
    expect(failed).toMatchObject({
      type: "response.failed",
      response: {
        status: "failed",
        error: { code: "server_error" },
        output: [{ status: "incomplete", content: [{ text: "Hi" }] }],
        usage: { output_tokens: usage.completion },
      },
    });
    expect(error).toMatchObject({ type: "error", code: "stream_broken" });
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
  });
});

/** What an engine may stream: what it thinks, says and calls, in pieces; calls of one chunk or the next, by turns. */
const piece = fc.string({ maxLength: 4 });
const names = fc.constantFrom("f", "patch", "files__read", "unheard");
const chunks = fc
  .record({
    thought: fc.array(piece, { maxLength: 3 }),
    spoken: fc.array(piece, { maxLength: 3 }),
    calls: fc.array(fc.tuple(names, fc.array(piece, { maxLength: 3 })), { maxLength: 3 }),
    isMixed: fc.boolean(),
    reason: fc.constantFrom("stop", "length", "tool_calls", "content_filter"),
  })
  .map(({ thought, spoken, calls, isMixed, reason }) => {
    const begun = calls.map(([name], index) => call(index, name, ""));
    const rest = calls.flatMap(([, texts], index) =>
      texts.map((text, at) => ({ at, piece: { index, function: { arguments: text } } })),
    );
    const inOrder = isMixed
      ? [...begun, ...rest.toSorted((one, other) => one.at - other.at).map((one) => one.piece)]
      : begun.flatMap((one, index) => [one, ...rest.filter((r) => r.piece.index === index).map((r) => r.piece)]);
    return [
      delta({ role: "assistant", content: "" }),
      ...thought.map((text) => delta({ reasoning: text })),
      ...spoken.map((text) => delta({ content: text })),
      ...inOrder.map((one) => delta({ tool_calls: [one] })),
      finish(reason),
    ];
  });

function assembleWhole(choices: JsonObject[]): JsonObject {
  const meter = new UsageMeter({ tokensHeld: 1e6, completionTokensMax: 1e6, choicesPerPrompt: 1, echoChunks: 0 });
  const assembly = new AnswerAssembly(meter, {
    path: "/v1/chat/completions",
    choices: 1,
    hasContinuousUsage: false,
    isUsageOfOneChoice: false,
    hidesReasoning: false,
    charsMax: 1e6,
  });
  for (const choice of structuredClone(choices))
    assembly.read(Buffer.from(JSON.stringify({ id: "x", choices: [choice] })).toString("latin1"));
  return assembly.build();
}

/** What is added is done, once, in between; each number is one more; each index is there before it is spoken of. */
function expectWellFormed(events: ReadEvent[]): void {
  expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
  const open = new Map<number, string>();
  const parts = new Set<number>();
  let added = 0;
  for (const event of events) {
    expect(() => ResponseStreamEvent.parse(event)).not.toThrow();
    const { type, output_index: index } = event;
    if (index === undefined) continue;
    const item = event["item"] as { id: string } | undefined;
    if (type === "response.output_item.added") {
      expect(index).toBe(added++);
      open.set(index, item?.id ?? "");
      continue;
    }
    expect(open.get(index)).toBe(item?.id ?? event.item_id);
    if (type === "response.content_part.added") parts.add(index);
    if (type === "response.content_part.done") expect(parts.delete(index)).toBe(true);
    if (type === "response.output_item.done") open.delete(index);
  }
  expect([open.size, parts.size]).toEqual([0, 0]);
}

/** The choices of every chat that a real vLLM streamed with one of them. */
const recorded = readRecordings<Recording>().flatMap(([name, recording]): [string, JsonObject[]][] => {
  const { request, blocks = [] } = recording;
  if (!isReplayable(name, recording) || request.path !== "/v1/chat/completions") return [];
  const chunks = blocks
    .filter((block) => block.startsWith("data: {"))
    .map((block): { choices?: JsonObject[] } => JSON.parse(block.slice(6)));
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  const isOfOne = choices.length > 0 && choices.every(({ index }) => index === 0);
  return isOfOne ? [[name, choices]] : [];
});

test("there are recordings enough", () => expect(recorded.length).toBeGreaterThan(20));

test.each(recorded)("what vLLM streamed as %s is well formed, and the same as its whole", (_, choices) => {
  const events = translate(choices);
  expectWellFormed(events);
  expect(events.at(-1)?.["response"]).toEqual(buildWholeResponse(assembleWhole(choices), contextOf({ tools })));
});

describe("whatever an engine streams", () => {
  test("is well formed, its pieces make its whole, and that is the whole answer's", () => {
    fc.assert(
      fc.property(chunks, (choices) => {
        const events = translate(choices);
        expectWellFormed(events);
        const streamed = events.at(-1)?.["response"];
        expect(streamed).toEqual(buildWholeResponse(assembleWhole(choices), contextOf({ tools })));
        const { output } = Response.parse(streamed);
        for (const [index, item] of output.entries()) {
          const text = events
            .filter(({ type, output_index: at }) => at === index && type.endsWith(".delta"))
            .map(({ delta: one }) => one)
            .join("");
          const own =
            item.type === "function_call"
              ? item.arguments
              : item.type === "custom_tool_call"
                ? item.input
                : item.content[0]?.text;
          expect(text).toBe(own);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("is never more than events, even where it is no chunk of a chat", () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.constantFrom("delta", "finish_reason", "logprobs"), fc.jsonValue())),
        (any) => {
          const events = translate(any);
          expectWellFormed(events);
          expect(events.at(-1)?.type).toMatch(/^response\.(completed|incomplete)$/);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
