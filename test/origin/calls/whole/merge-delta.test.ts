import { expect, test } from "vitest";
import { mergeDelta } from "#origin/calls/whole/merge-delta.ts";

const merge = (...deltas: Record<string, unknown>[]) => {
  const whole = {};
  for (const delta of deltas) mergeDelta(whole, delta);
  return whole;
};

test("texts and lists go on, of names the first counts, of anything else the last; null changes nothing", () => {
  expect(
    merge(
      { role: "assistant", content: "", refusal: null },
      { role: "again", content: "a", annotations: [1], score: 1 },
      { content: null, annotations: [2], score: 2, thoughts: "x" },
      { content: "b", thoughts: "y", refusal: null },
    ),
  ).toEqual({
    role: "assistant",
    content: "ab",
    refusal: null,
    annotations: [1, 2],
    score: 2,
    thoughts: "xy",
  });
});

test("objects are merged", () => {
  expect(merge({ function_call: { name: "f", arguments: "" } }, { function_call: { arguments: "{" } })).toEqual({
    function_call: { name: "f", arguments: "{" },
  });
});

test("pieces of tool calls find their call: by index, else by id, else it is the last", () => {
  const piece = (call: object) => ({ tool_calls: [call] });
  expect(
    merge(
      piece({ index: 1, id: "b", type: "function", function: { name: "two", arguments: "" } }),
      piece({ index: 0, id: "a", type: "function", function: { name: "one" } }),
      piece({ index: 1, function: { arguments: "{" } }),
      piece({ index: 0, id: "ignored", function: { name: "ignored", arguments: "[]" } }),
      piece({ index: 1, function: { arguments: "}" } }),
    ),
  ).toEqual({
    tool_calls: [
      { index: 1, id: "b", type: "function", function: { name: "two", arguments: "{}" } },
      { index: 0, id: "a", type: "function", function: { name: "one", arguments: "[]" } },
    ],
  });
  expect(
    merge(piece({ id: "a", x: "1" }), piece({ id: "b", x: "2" }), piece({ x: "3" }), piece({ id: "a", x: "4" })),
  ).toEqual({
    tool_calls: [
      { id: "a", x: "14" },
      { id: "b", x: "23" },
    ],
  });
});
