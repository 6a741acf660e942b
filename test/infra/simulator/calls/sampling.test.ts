import { expect, test } from "vitest";
import { Fields } from "#infra/simulator/calls/fields.ts";
import {
  checkEarly,
  readSampling,
  readUsageOptions,
  samplingKinds,
  findSharedFlaws,
} from "#infra/simulator/calls/sampling.ts";

const read = (raw: Record<string, unknown>, logprobs: number | null = null) =>
  readSampling(new Fields(raw, samplingKinds, findSharedFlaws(raw)), 8_192, 16, logprobs);

test("what is not given has vLLM's default", () => {
  expect(read({})).toMatchObject({
    n: 1,
    completionTokensMax: 16,
    minTokens: 0,
    isGreedy: false,
    seed: null,
    stops: [],
    logprobs: null,
    salt: "",
    priority: 0,
    forcedToken: null,
  });
  expect(
    read({ max_tokens: 9, max_completion_tokens: 4, temperature: 0, stop: "x", logit_bias: { 5: 100 } }),
  ).toMatchObject({ completionTokensMax: 4, isGreedy: true, stops: ["x"], forcedToken: 5 });
});

test.each([
  [{ n: 0 }, "n must be at least 1, got 0."],
  [{ n: 20_000 }, "n must be at most 16384"],
  [{ n: 2, temperature: 0 }, "greedy"],
  [{ temperature: -1 }, "non-negative, got -1.0."],
  [{ temperature: 3 }, "must be in [0, 2], got 3.0."],
  [{ top_p: 0 }, "(0, 1]"],
  [{ top_k: -2 }, "top_k"],
  [{ min_p: 2 }, "[0, 1]"],
  [{ presence_penalty: 3 }, "[-2, 2]"],
  [{ repetition_penalty: 0 }, "greater than zero"],
  [{ max_tokens: 0 }, "at least 1, got 0."],
  [{ max_tokens: 9_000 }, "max_model_len=8192"],
  [{ min_tokens: 20 }, "max_tokens=16"],
  [{ stop: "" }, "empty string"],
  [{ stop: ["a", "b", "c", "d", "e"] }, "at most 4 items"],
  [{ logit_bias: { abc: 1 } }, "abc"],
  [{ seed: 1e30 }, "9223372036854775807"],
  [{ bad_words: [""] }, "bad_words"],
  [{ allowed_token_ids: [] }, "allowed_token_ids"],
])("%j is refused", (raw, said) => {
  expect(() => read(raw)).toThrow(said);
});

test("more than 20 logprobs are refused, and -1 asks for all", () => {
  expect(() => read({}, 21)).toThrow("of 21, which");
  expect(() => read({}, -1)).toThrow("greater than max allowed: 20");
});

test("a cache salt is 1 to 128 characters without the forbidden ones", () => {
  expect(() => checkEarly({ cache_salt: "x".repeat(128) })).not.toThrow();
  for (const cache_salt of ["", 5, "x".repeat(129), "a/b", "a@b", "a\\b"])
    expect(() => checkEarly({ cache_salt })).toThrow("cache_salt");
  expect(() => checkEarly({ stream_options: { include_usage: true } })).toThrow("stream=True");
  expect(() => checkEarly({ stream: true, prompt_logprobs: 1 })).toThrow("prompt_logprobs");
  expect(() => checkEarly({ stream: true, prompt_logprobs: 0 })).not.toThrow();
});

test("usage is reported only on request, and on every chunk only with the last", () => {
  const wish = (stream_options: unknown) => readUsageOptions({ stream_options });
  expect([wish(undefined), wish({}), wish({ continuous_usage_stats: true })]).toEqual(
    [0, 1, 2].map(() => ({ isFinal: false, isContinuous: false })),
  );
  expect(wish({ include_usage: true, continuous_usage_stats: true })).toEqual({ isFinal: true, isContinuous: true });
});
