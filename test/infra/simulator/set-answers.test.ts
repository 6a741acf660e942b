import { expect, test } from "vitest";
import { readSetAnswer, SetAnswers } from "#infra/simulator/set-answers.ts";

const offering = (...names: string[]) => ({
  tools: names.map((name) => ({ type: "function", function: { name, parameters: { type: "object" } } })),
});

test("answers are given in their order to chats with tools, a call to the next that offers its tool", () => {
  const answers = new SetAnswers();
  answers.add({ tool: "edit", arguments: { file: "a" } });
  answers.add({ text: "done" });
  expect(answers.take({})).toBeNull();
  expect(answers.take(offering("read"))).toBeNull();
  expect(answers.take(offering("read", "edit"))?.tool).toEqual({ name: "edit", isNamed: false, isFree: true });
  expect(answers.take({ tools: [] })).toBeNull();
  expect(answers.take(offering("read"))).toMatchObject({ tool: null });
  expect(answers.take(offering("edit"))).toBeNull();
  answers.add(readSetAnswer({ text: "anyone's", isForAnyChat: true }));
  expect(answers.take({})).toMatchObject({ tool: null });
  answers.add({ text: "x" });
  answers.clear();
  expect(answers.list()).toEqual([]);
});

test("an answer is a text, or a tool with its arguments, and nothing between", () => {
  expect(readSetAnswer({ text: "a" })).toEqual({ text: "a" });
  expect(readSetAnswer({ tool: "edit" })).toEqual({ tool: "edit", arguments: {} });
  for (const wrong of [null, "a", {}, { text: "" }, { text: "a", tool: "b" }, { tool: 1 }, { tool: "b", arguments: 1 }])
    expect(() => readSetAnswer(wrong)).toThrow(RangeError);
});
