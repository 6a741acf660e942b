import { describe, expect, test } from "vitest";
import { listPieces, parseInput, readEnd, readInput } from "#origin/calls/wires/messages/blocks.ts";

describe("the pieces of an answer", () => {
  test("come in the order of a message: thoughts, text, calls; what is empty is none", () => {
    const part = {
      role: "assistant",
      tool_calls: [{ id: "i", index: 1, function: { name: "n", arguments: "{" } }, { function: {} }, 5],
      content: "text",
      reasoning_content: "hm",
      reasoning: null,
    };
    expect(listPieces(part)).toEqual([
      { kind: "thinking", text: "hm" },
      { kind: "text", text: "text" },
      { kind: "tool_use", text: "{", index: 1, id: "i", name: "n" },
      { kind: "tool_use", text: "", index: null, id: "", name: "" },
    ]);
    expect(listPieces({ content: "", reasoning: "", tool_calls: null })).toEqual([]);
    expect(listPieces({ refusal: "no" })).toEqual([{ kind: "text", text: "no" }]);
  });
});

describe("the arguments of a call", () => {
  test("are an object, digits and all", () => {
    expect(readInput('{"a":[1]}')).toEqual({ a: [1] });
    expect(JSON.stringify(readInput('{"a":12345678901234567890.10}'))).toBe('{"a":12345678901234567890.10}');
    for (const text of ["", " \n"]) expect(readInput(text)).toEqual({});
  });

  const none = [
    '{"a":',
    "[1]",
    "5",
    "1.10",
    '"x"',
    "null",
    "{} {}",
    `{"a":${"[".repeat(90)}${"]".repeat(90)}}`,
    `{"a":${"9".repeat(300)}}`,
  ];
  test.each(none)("%s is no object, and stands as the text that it is", (text) => {
    expect(parseInput(text)).toBeNull();
    expect(readInput(text)).toEqual({ INVALID_JSON: text });
  });

  test("nested a hundred thousand deep break nothing", () => {
    const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(JSON.stringify(readInput(deep))).toHaveLength(JSON.stringify({ INVALID_JSON: deep }).length);
  });
});

describe("the end of an answer", () => {
  const ends: [object, boolean, string, string | null][] = [
    [{ finish_reason: "stop", stop_reason: null }, false, "end_turn", null],
    [{ finish_reason: "stop", stop_reason: 151645 }, false, "end_turn", null],
    [{ finish_reason: "stop", stop_reason: "END" }, false, "stop_sequence", "END"],
    [{ finish_reason: "stop" }, true, "tool_use", null],
    [{ finish_reason: "tool_calls" }, true, "tool_use", null],
    [{ finish_reason: "function_call" }, true, "tool_use", null],
    [{ finish_reason: "length" }, true, "max_tokens", null],
    [{ finish_reason: "length", stop_reason: "END" }, false, "max_tokens", null],
    [{ finish_reason: "content_filter" }, false, "refusal", null],
    [{ finish_reason: "constructor" }, false, "end_turn", null],
    [{}, false, "end_turn", null],
  ];
  test.each(ends)("%j, calling a tool: %s, is %s", (choice, hasCalls, reason, sequence) =>
    expect(readEnd({ ...choice }, hasCalls)).toEqual({ stop_reason: reason, stop_sequence: sequence }),
  );
});
