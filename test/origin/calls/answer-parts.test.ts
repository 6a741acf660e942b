import { expect, test } from "vitest";
import {
  hasContent,
  hasGivenUp,
  hasReasoning,
  hideReasoning,
  isError,
  readReasoning,
} from "#origin/calls/answer-parts.ts";

test("an error is an error member that is not null, or vLLM's older flat form", () => {
  expect([
    isError({ error: {} }),
    isError({ object: "error" }),
    isError({ error: null }),
    isError({ object: "chat.completion.chunk" }),
  ]).toEqual([true, true, false, false]);
});

test("content is text, reasoning or a tool call, in a delta, a message or a plain choice", () => {
  const full = [
    { delta: { content: "x" } },
    { message: { reasoning: "x" } },
    { text: "x" },
    { delta: { tool_calls: [{}] } },
    { message: { function_call: {} } },
  ];
  const empty = [
    { delta: { role: "assistant", content: "" } },
    { text: "" },
    { delta: { content: null } },
    { message: { tool_calls: [] } },
    {},
  ];
  expect(full.map(hasContent)).toEqual(full.map(() => true));
  expect(empty.map(hasContent)).toEqual(empty.map(() => false));
});

test("a choice is given up when it ends in an error or an abort, and only then", () => {
  const reasons = ["error", "abort", "stop", "length", null, undefined];
  expect(reasons.map((reason) => hasGivenUp({ finish_reason: reason }))).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test("reasoning is read under each of its names, of chunks alone", () => {
  expect([{ reasoning: "x" }, { reasoning_content: "y" }, { reasoning: "", content: "z" }].map(readReasoning)).toEqual([
    "x",
    "y",
    "",
  ]);
  const choices = [{ delta: { reasoning: "x" } }, { delta: { content: "x" } }, { message: { reasoning: "x" } }, {}];
  expect(choices.map(hasReasoning)).toEqual([true, false, false, false]);
});

test("reasoning is hidden with all by which it could be read; a chunk of nothing else is left out", () => {
  const logprobs = { content: [] };
  const chunk = (delta: object, finish_reason: string | null = null) => ({ delta, logprobs, finish_reason });
  const hidden = { logprobs: null, finish_reason: null };
  expect(
    hideReasoning([chunk({ content: "a" }), chunk({ reasoning: "x" }), chunk({ reasoning_content: "x" })]),
  ).toEqual([chunk({ content: "a" })]);
  expect(hideReasoning([chunk({ reasoning: "x", content: "a" })])).toEqual([chunk({ content: "a" })]);
  expect(hideReasoning([chunk({ role: "assistant", content: "", reasoning: "" })])).toEqual([
    chunk({ role: "assistant", content: "" }),
  ]);
  expect(hideReasoning([chunk({ role: "assistant", reasoning: "x" })])).toEqual([
    { ...hidden, delta: { role: "assistant" } },
  ]);
  expect(hideReasoning([chunk({ reasoning: "x" }, "stop")])).toEqual([
    { delta: {}, logprobs: null, finish_reason: "stop" },
  ]);
  expect(hideReasoning([{ message: { content: "a", reasoning: "x" }, logprobs }, { text: "a" }])).toEqual([
    { message: { content: "a", reasoning: null }, logprobs: null },
    { text: "a" },
  ]);
});
