import { expect, test } from "vitest";
import { buildErrorBody, refusals } from "#edge/errors.ts";
import { describeContext, describeContextLimit, refuseLong } from "#edge/protocol/openai/bounds/context-length.ts";

const numbers = { contextTokensMax: 8_192, promptTokens: 8_000, completionTokens: 500 };
const said = [
  describeContext("messages", numbers),
  describeContext("messages", { ...numbers, promptTokens: 9_000, completionTokens: null }),
  describeContext("messages", { ...numbers, promptTokens: 9_000, completionTokens: null, isAtLeast: true }),
  describeContext("prompt", numbers),
  describeContext("input", { ...numbers, promptTokens: 9_000, completionTokens: null }),
  describeContextLimit("messages", 8_192),
  refusals.context_length_exceeded.message,
];

test("a full context is told in OpenAI's sentences, with their numbers", () => {
  expect(said.slice(0, 5)).toEqual([
    "This model's maximum context length is 8192 tokens. However, you requested 8500 tokens " +
      "(8000 in the messages, 500 in the completion). Please reduce the length of the messages or completion.",
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. " +
      "Please reduce the length of the messages.",
    "This model's maximum context length is 8192 tokens. However, your messages resulted in at least 9000 tokens. " +
      "Please reduce the length of the messages.",
    "This model's maximum context length is 8192 tokens, however you requested 8500 tokens " +
      "(8000 in your prompt; 500 for the completion). Please reduce your prompt; or completion length.",
    "This model's maximum context length is 8192 tokens, however you requested 9000 tokens " +
      "(9000 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
  ]);
});

/** What clients look for: LiteLLM (on whose class aider and DSPy build), CrewAI, and those that read the numbers. */
test.each([
  [/this model's maximum context length is/i, said],
  [/maximum context length/i, said],
  [/maximum context length is (\d+)/, said.slice(0, 6)],
  [/requested (\d+) tokens \((\d+) in the messages, (\d+) in the completion\)/, said.slice(0, 1)],
  [/however you requested (\d+) tokens \((\d+) in your prompt; (\d+) for the completion\)/, said.slice(3, 5)],
  [/your .* resulted in (\d+) tokens/, said.slice(1, 2)],
])("clients that look for %s find it", (pattern, sentences) => {
  for (const sentence of sentences) expect(sentence).toMatch(pattern);
});

test("of several prompts the one that is too long by itself is named", () => {
  const { error } = buildErrorBody(refuseLong("input[3]", { ...numbers, promptTokens: 9_000, completionTokens: null }));
  expect(error).toMatchObject({ code: "context_length_exceeded", param: "input[3]" });
  expect(error.message).toMatch(/completion length\. Too long by itself is 'input\[3\]'\.$/);
  for (const param of ["messages", "prompt", "input"])
    expect(refuseLong(param, numbers).details.message).toBe(describeContext(param as "messages", numbers));
});
