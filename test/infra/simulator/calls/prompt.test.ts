import { expect, test } from "vitest";
import { Fields } from "#infra/simulator/calls/fields.ts";
import { checkLength, contextExceeded, fitPrompt, readPrompt, truncatePrompt } from "#infra/simulator/calls/prompt.ts";
import { resolveOptions } from "#infra/simulator/options.ts";
import { ServedModels } from "#infra/simulator/served-model.ts";
import { detokenize } from "#infra/simulator/text/tokenizer.ts";

const truncating = (tokens: number) =>
  new Fields({ truncate_prompt_tokens: tokens }, { truncate_prompt_tokens: "integer" });

test("a prompt fits, is cut from the left when asked, or is refused", () => {
  expect(fitPrompt([1, 2, 3], truncating(2), 128)).toEqual([2, 3]);
  expect(truncatePrompt([1, 2, 3], truncating(-1), 1)).toEqual([3]);
  expect(() => fitPrompt(Array(129).fill(1), new Fields({}, {}), 128)).toThrow(contextExceeded(128).message);
  expect(() => fitPrompt(Array(128).fill(1), new Fields({}, {}), 128)).toThrow("got 0");
  expect(() => checkLength("x".repeat(128 * 13 + 1), new Fields({}, {}), 128)).toThrow("characters");
});

test("a conversation becomes the template's text; one that is both continued and begun anew is refused", () => {
  const [model] = new ServedModels(resolveOptions({ profile: { contextTokens: 128 } })).all;
  if (!model) throw new Error("no model");
  const messages = [{ role: "user", content: "Hi" }];
  const { prompt } = readPrompt(new Fields({ messages }, {}), model);
  expect(detokenize(prompt)).toContain("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  const both = new Fields({ messages, continue_final_message: true }, { continue_final_message: "boolean" });
  expect(() => readPrompt(both, model)).toThrow("not compatible");
  expect(() => readPrompt(new Fields({ messages: [] }, {}), model)).toThrow("empty conversation");
});
