import { expect, test } from "vitest";
import { readToolCalls, ToolCallAssembly } from "#origin/calls/wires/ollama/tool-calls.ts";

const call = (name: string, text: unknown, id = "a") => ({ id, type: "function", function: { name, arguments: text } });

test("arguments become an object, in order, with the digits that the model wrote", () => {
  const { calls, broken } = readToolCalls([
    call("f", '{"a":12345678901234567890}'),
    call("g", ""),
    call("h", null, "b"),
  ]);
  expect(JSON.parse(JSON.stringify(calls))).toMatchObject([
    { id: "a", function: { index: 0, name: "f" } },
    { id: "a", function: { index: 1, name: "g", arguments: {} } },
    { id: "b", function: { index: 2, name: "h", arguments: {} } },
  ]);
  expect(JSON.stringify(calls)).toContain('"arguments":{"a":12345678901234567890}');
  expect(broken).toBe("");
});

test.each(['{"a":', "[]", "x", "3"])("a call with the arguments %s is none, and its text is not lost", (text) => {
  const read = readToolCalls([call("f", text), call("g", "{}")]);
  expect(read.calls).toMatchObject([{ function: { index: 0, name: "g" } }]);
  expect(JSON.parse(read.broken)).toEqual({ name: "f", arguments: text });
});

test("what is no list of calls holds none", () => {
  for (const calls of [undefined, null, {}, [], ["x", 3]])
    expect(readToolCalls(calls)).toEqual({ calls: [], broken: "" });
});

test("pieces are put together by their index, whatever comes between them", () => {
  const assembly = new ToolCallAssembly();
  const pieces = [
    { index: 1, id: "b", function: { name: "g", arguments: "{" } },
    { index: 0, id: "a", function: { name: "f", arguments: '{"x"' } },
    { index: 1, function: { arguments: "}" } },
    { index: 0, function: { arguments: ":1}" } },
  ];
  for (const piece of pieces) assembly.add({ tool_calls: [piece] });
  assembly.add({ content: "x" });
  expect(assembly.read()).toEqual({
    broken: "",
    calls: [
      { id: "a", function: { index: 0, name: "f", arguments: { x: 1 } } },
      { id: "b", function: { index: 1, name: "g", arguments: {} } },
    ],
  });
});
