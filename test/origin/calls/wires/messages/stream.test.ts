import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "#edge/agreements/json.ts";
import { collect, context, streamOf, wholeOf, type Event } from "./world.ts";

const text = (content: string) => ({ index: 0, delta: { content }, finish_reason: null });
const thought = (reasoning: string) => ({ index: 0, delta: { reasoning }, finish_reason: null });
const call = (index: number, args: string, named: object = {}, of: object = {}) => ({
  index: 0,
  delta: { tool_calls: [{ index, ...named, function: { ...of, arguments: args } }] },
  finish_reason: null,
});
const begun = (index: number, args = "") =>
  call(index, args, { id: `c${index}`, type: "function" }, { name: `n${index}` });
const end = (finish_reason: string) => ({ index: 0, delta: {}, finish_reason });
const kinds = (events: Event[]) => events.map(({ type, index }) => (index === undefined ? type : `${type} ${index}`));

describe("a stream of chunks as a message", () => {
  test("of text: a start, deltas, a stop, then how it ended and what was used", () => {
    const usage = { input_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 32, output_tokens: 4 };
    expect(streamOf([{ delta: { role: "assistant", content: "" } }, text("a"), text("b\n"), end("length")])).toEqual([
      {
        type: "message_start",
        message: {
          id: `msg_${context.reference}`,
          type: "message",
          role: "assistant",
          model: context.model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage,
        },
      },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "a" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "b\n" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "max_tokens", stop_sequence: null }, usage },
      { type: "message_stop" },
    ]);
  });

  test("thoughts are signed at their end, since some clients send back no others", () => {
    const events = streamOf([thought("h"), thought("m"), text("a"), end("stop")]);
    expect(kinds(events).slice(1, 7)).toEqual([
      "content_block_start 0",
      "content_block_delta 0",
      "content_block_delta 0",
      "content_block_delta 0",
      "content_block_stop 0",
      "content_block_start 1",
    ]);
    expect(events[4]?.delta).toMatchObject({ type: "signature_delta", signature: expect.stringMatching(/./) });
  });

  test("calls of tools follow one another, each sent as it is made", () => {
    const chunks = [begun(0), call(0, '{"a"'), call(0, ":1}"), begun(1, "{"), call(1, "}"), end("tool_calls")];
    const events = streamOf(chunks);
    expect(kinds(events).slice(1, -2)).toEqual([
      "content_block_start 0",
      "content_block_delta 0",
      "content_block_delta 0",
      "content_block_stop 0",
      "content_block_start 1",
      "content_block_delta 1",
      "content_block_delta 1",
      "content_block_stop 1",
    ]);
    expect(events.at(-2)?.delta).toEqual({ stop_reason: "tool_use", stop_sequence: null });
  });

  test("calls that come by turns are untangled: none is torn apart, none begins before the one before is whole", () => {
    const chunks = [
      begun(0, "{"),
      begun(1, '{"x":'),
      call(0, '"a":1'),
      text("t"),
      call(1, "2}"),
      call(0, "}"),
      text("u"),
    ];
    expect(collect(streamOf([...chunks, end("tool_calls")]))).toEqual([
      { type: "tool_use", id: "c0", name: "n0", text: '{"a":1}' },
      { type: "tool_use", id: "c1", name: "n1", text: '{"x":2}' },
      { type: "text", id: undefined, name: undefined, text: "tu" },
    ]);
  });

  test("a call whose name comes late waits for it; one that gets none, or no id, comes at the end all the same", () => {
    const late = [call(0, "{}"), call(0, "", { id: "c" }, { name: "n" }), end("tool_calls")];
    expect(collect(streamOf(late))).toEqual([{ type: "tool_use", id: "c", name: "n", text: "{}" }]);
    expect(collect(streamOf([call(0, "{}"), text("a"), end("stop")]))).toMatchObject([
      { type: "tool_use", id: `toolu_${context.reference}_0`, name: "", text: "{}" },
      { type: "text", text: "a" },
    ]);
  });

  test("arguments that are no JSON are sent as they were written, and what comes behind them waits for the end", () => {
    expect(collect(streamOf([begun(0, "{no"), begun(1, "{}"), end("tool_calls")])).map((block) => block.text)).toEqual([
      "{no",
      "{}",
    ]);
    // Behind an object that is whole, white space or more means nothing.
    expect(collect(streamOf([begun(0, "{}"), text("a"), call(0, " "), end("stop")]))).toHaveLength(2);
  });

  test("calls without an index belong to their id, or to the last", () => {
    const bare = (args: string, id?: string) => ({
      delta: { tool_calls: [{ ...(id && { id }), function: { ...(id && { name: id }), arguments: args } }] },
    });
    const blocks = collect(streamOf([bare("{", "a"), bare("}"), bare("{}", "b"), end("tool_calls")]));
    expect(blocks.map(({ id, text: args }) => [id, args])).toEqual([
      ["a", "{}"],
      ["b", "{}"],
    ]);
  });

  test("a stop sequence is told, and an empty stream is a message without content", () => {
    const stopped = streamOf([text("a"), { index: 0, delta: {}, finish_reason: "stop", stop_reason: "END" }]);
    expect(stopped.at(-2)?.delta).toEqual({ stop_reason: "stop_sequence", stop_sequence: "END" });
    expect(kinds(streamOf([]))).toEqual(["message_start", "message_delta", "message_stop"]);
  });
});

const word = fc.string({ minLength: 1, maxLength: 4, unit: "grapheme" });
const args = fc.oneof(
  fc.dictionary(word, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 2 }).map((value) => JSON.stringify(value)),
  fc.constantFrom("", "{", "{no}", "[1]"),
);

/** Calls in any order of their pieces, thoughts and text among them. */
const chunks = fc
  .tuple(fc.array(args, { maxLength: 3 }), fc.array(fc.oneof(word.map(text), word.map(thought)), { maxLength: 6 }))
  .chain(([calls, others]) => {
    const lines = calls.map((whole, at) => [
      begun(at),
      ...(whole.match(/[\s\S]{1,3}/g)?.map((part) => call(at, part)) ?? []),
    ]);
    const order = [...lines.flatMap((line, at) => line.map(() => at)), ...others.map(() => lines.length)];
    return fc.shuffledSubarray(order, { minLength: order.length }).map((turns) => {
      const queues: JsonObject[][] = [...lines.map((line) => [...line]), [...others]];
      return turns.flatMap((turn) => queues[turn]?.splice(0, 1) ?? []);
    });
  });

const joined = (blocks: { type: string; text: string }[], type: string) =>
  blocks.flatMap((block) => (block.type === type ? [block.text] : [])).join("");

test("whatever the order of chunks: blocks are well formed, and their deltas make up the whole message", () => {
  fc.assert(
    fc.property(chunks, fc.constantFrom("stop", "length", "tool_calls"), (choices, finish) => {
      const all = [...choices, end(finish)];
      const events = streamOf(all);
      expectWellFormed(events);
      const blocks = collect(events);
      const whole = wholeOf(all);
      for (const [type, member] of [
        ["text", "text"],
        ["thinking", "thinking"],
      ] as const)
        expect(joined(blocks, type)).toBe(
          joined(
            whole.content.map((b) => ({ type: b.type, text: String(b[member] ?? "") })),
            type,
          ),
        );
      const streamed = blocks.filter(({ type }) => type === "tool_use");
      const called = whole.content.filter(({ type }) => type === "tool_use");
      expect(streamed.map(({ id }) => id).toSorted()).toEqual(called.map(({ id }) => id).toSorted());
      for (const { id, name, text: streamedArgs } of streamed) {
        const other = called.find((block) => block.id === id);
        expect(name).toBe(other?.name);
        expect(other?.input).toEqual(readAsClient(streamedArgs));
      }
      expect(events.at(-2)?.delta).toEqual({ stop_reason: whole.stop_reason, stop_sequence: null });
    }),
    { numRuns: 1_000 },
  );
});

/** What a whole answer must hold for arguments that were streamed. */
function readAsClient(streamed: string): unknown {
  if (streamed === "") return {};
  try {
    const value: unknown = JSON.parse(streamed);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Falls through: no JSON.
  }
  return { INVALID_JSON: streamed };
}

/** A start and an end, and between them blocks one after another, each opened, filled and closed in turn. */
function expectWellFormed(events: Event[]): void {
  const names = kinds(events);
  expect(names[0]).toBe("message_start");
  expect(names.slice(-2)).toEqual(["message_delta", "message_stop"]);
  let [next, open] = [0, -1];
  for (const { type, index } of events.slice(1, -2)) {
    if (type === "content_block_start") {
      expect([open, index]).toEqual([-1, next]);
      open = next++;
    } else expect(index).toBe(open);
    if (type === "content_block_stop") open = -1;
    else expect(type).toMatch(/^content_block_(start|delta)$/);
  }
  expect(open).toBe(-1);
}
