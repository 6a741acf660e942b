import { expect, test } from "vitest";
import {
  buildCall,
  buildMessage,
  buildReasoning,
  buildReasoningPart,
  buildTextPart,
  nameItem,
  openToolNames,
  readCustomInput,
  readLogprobs,
} from "#origin/calls/wires/responses/items.ts";
import { contextOf } from "./world.ts";

const head = { id: "x", status: "completed" } as const;

test("ids have OpenAI's prefixes, and are the call's alone", () => {
  const names = (["reasoning", "message", "function", "custom"] as const).map((kind) => nameItem(kind, 2, contextOf()));
  expect(names).toEqual(["rs", "msg", "fc", "ctc"].map((prefix) => `${prefix}_0123456789abcdefghijkl_2`));
});

test("items of text have a part once one has begun", () => {
  expect(buildReasoning(head, null)).toMatchObject({ type: "reasoning", summary: [], content: [] });
  expect(buildReasoning(head, "Hm.")["content"]).toEqual([buildReasoningPart("Hm.")]);
  expect(buildMessage(head, null)).toEqual({ ...head, type: "message", role: "assistant", content: [] });
  const part = buildTextPart("Hi", [{ token: "Hi" }]);
  expect(part).toEqual({ type: "output_text", annotations: [], logprobs: [{ token: "Hi" }], text: "Hi" });
  expect(buildMessage(head, part)["content"]).toEqual([part]);
});

test("calls have their caller's names of the tool, whatever the engine calls it", () => {
  const tools = [
    { type: "custom", name: "patch" },
    { type: "namespace", name: "files", tools: [{ type: "function", name: "read" }] },
  ];
  const findTool = openToolNames(contextOf({ tools }));
  const call = (name: string, text: string) => buildCall(head, { id: "c", name, arguments: text }, findTool(name));
  expect(call("patch", '{"input":"a"}')).toEqual({
    ...head,
    type: "custom_tool_call",
    call_id: "c",
    name: "patch",
    input: "a",
  });
  expect(call("files__read", "{}")).toEqual({
    ...head,
    type: "function_call",
    call_id: "c",
    name: "read",
    namespace: "files",
    arguments: "{}",
  });
  expect(call("unheard", "{}")).toMatchObject({ type: "function_call", name: "unheard" });
});

test("a custom tool's input is the text within the JSON, or all that the model wrote", () => {
  expect(readCustomInput('{"input":"a\\nb"}')).toBe("a\nb");
  for (const text of ["", "plain", '{"input":7}', '{"input":"cut', "[]"]) expect(readCustomInput(text)).toBe(text);
});

test("log-probabilities are a list, whatever the engine says", () => {
  expect(readLogprobs({ logprobs: { content: [{ token: "a" }, null] } })).toEqual([{ token: "a" }]);
  for (const logprobs of [undefined, null, {}, { content: null }, []]) expect(readLogprobs({ logprobs })).toEqual([]);
});
