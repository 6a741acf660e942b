import { expect, test } from "vitest";
import { CompletionSerializer, readCompletion, readInputs } from "#infra/simulator/calls/completions.ts";
import { resolveOptions } from "#infra/simulator/options.ts";
import { ServedModels } from "#infra/simulator/served-model.ts";
import { tokenize } from "#infra/simulator/text/tokenizer.ts";

const models = new ServedModels(resolveOptions({}));
const readPrompts = (prompt: unknown) => readCompletion({ prompt }, models, null).prompts;

test("a prompt is text, texts, token ids, or lists of token ids", () => {
  expect([readPrompts("a b"), readPrompts(["a", "b"]), readPrompts([1, 2]), readPrompts([[1], [2, 3]])]).toEqual([
    [tokenize("a b")],
    [tokenize("a"), tokenize("b")],
    [[1, 2]],
    [[1], [2, 3]],
  ]);
});

test("any other prompt is refused as vLLM does", () => {
  for (const [prompt, said] of [
    [undefined, "non-empty"],
    ["", "non-empty"],
    [[], "at least one prompt"],
    [5, "4 validation errors"],
    [["a", 1], "int_parsing"],
    [[2 ** 40], "out of vocabulary"],
  ]) {
    expect(() => readPrompts(prompt)).toThrow(String(said));
  }
  expect(() => readCompletion({ prompt: "x", suffix: "y" }, models, null)).toThrow("suffix");
});

test("embedding inputs have the forms of a prompt, and their own name in refusals", () => {
  expect(readInputs({ input: ["a", "b"] })).toHaveLength(2);
  expect(() => readInputs({})).toThrow("body.input");
  expect(() => readInputs({ input: 5 })).toThrow("body.input");
});

test("the usage chunk is vLLM's to the byte", () => {
  const serializer = new CompletionSerializer(readCompletion({ prompt: "x" }, models, "1"), [], 7_000);
  expect(serializer.closing({ promptTokens: 2, completionTokens: 3, cachedTokens: 0, createdTokens: 0 })).toBe(
    '{"id":"cmpl-1","object":"text_completion","created":7,"model":"Qwen/Qwen2.5-7B-Instruct","choices":[],' +
      '"usage":{"prompt_tokens":2,"total_tokens":5,"completion_tokens":3,' +
      '"prompt_tokens_details":{"cached_tokens":0}},"system_fingerprint":"vllm-0.32.0-5eed0001"}',
  );
});

test.each([
  [[""], 0],
  [["a", ""], 1],
  [[[]], 0],
  [[[1], []], 1],
])("an empty item of a list is refused as a single one is, by its place: %j", (prompt, at) => {
  expect(() => readCompletion({ prompt, max_tokens: 1 }, models, null)).toThrow(`(parameter=prompt[${at}])`);
});
