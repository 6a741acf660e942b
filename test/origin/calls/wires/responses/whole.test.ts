import { expect, test } from "vitest";
import { Response } from "#edge/protocol/openai/responses/answers.ts";
import { buildWholeResponse } from "#origin/calls/wires/responses/whole.ts";
import { contextOf } from "./world.ts";

const write = (message: object, finish = "stop", more: object = {}) => {
  const response = buildWholeResponse({ choices: [{ message, finish_reason: finish, ...more }] }, contextOf());
  expect(() => Response.parse(response)).not.toThrow();
  return response;
};
const logprob = (token: string) => ({ token, logprob: -1, bytes: null, top_logprobs: [] });

test("a whole answer has what was thought, said and called, in this order", () => {
  const calls = ["a", "b"].map((id) => ({ id, type: "function", function: { name: "f", arguments: "{}" } }));
  const { output, status } = write({ reasoning: "Hm.", content: "Hi", tool_calls: calls }, "tool_calls");
  expect(status).toBe("completed");
  expect(output).toMatchObject([
    { type: "reasoning", content: [{ text: "Hm." }] },
    { type: "message", content: [{ text: "Hi" }] },
    { type: "function_call", call_id: "a" },
    { type: "function_call", call_id: "b" },
  ]);
});

test("what was cut short is incomplete at its end alone", () => {
  const { output, status } = write({ reasoning_content: "Hm.", content: "Hi" }, "length");
  expect([status, output]).toMatchObject(["incomplete", [{ status: "completed" }, { status: "incomplete" }]]);
});

test("an answer of nothing is a message of nothing; one of reasoning alone is no message", () => {
  expect(write({ content: null })["output"]).toMatchObject([{ type: "message", content: [{ text: "" }] }]);
  expect(write({ content: "", reasoning: "Hm." }, "length")["output"]).toMatchObject([{ type: "reasoning" }]);
  expect(buildWholeResponse({}, contextOf())["output"]).toMatchObject([{ type: "message" }]);
});

test("a call without an id has one of ours, and malformed ones do no harm", () => {
  const { output } = write({ tool_calls: [{ function: {} }, null, { id: "", function: { name: "f", arguments: 7 } }] });
  expect(output).toMatchObject([
    { call_id: "call_0123456789abcdefghijkl_0", name: "", arguments: "" },
    { call_id: "call_0123456789abcdefghijkl_1", name: "f", arguments: "" },
  ]);
});

test("log-probabilities are those of the message: the tokens whose text it is", () => {
  const all = ["<think>", "Hm", "</think>", "Hel", "lo", "<end>"].map(logprob);
  const read = (message: object, content = all) => {
    const { output } = write(message, "stop", { logprobs: { content } });
    const items = output as { type: string; content: { logprobs: { token: string }[] }[] }[];
    return items.find(({ type }) => type === "message")?.content[0]?.logprobs.map(({ token }) => token);
  };
  expect(read({ reasoning: "Hm", content: "Hello" })).toEqual(["Hel", "lo"]);
  expect(read({ content: "Hello" })).toHaveLength(6);
  expect(read({ reasoning: "Hm", content: "Other" })).toEqual([]);
});
