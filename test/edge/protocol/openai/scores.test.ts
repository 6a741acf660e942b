import { expect, test } from "vitest";
import { refuseCostlyScores } from "#edge/protocol/openai/scores.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const model = {};

test("scores are asked for by prompt_logprobs, or by echo with logprobs", () => {
  for (const body of [{ prompt_logprobs: 0 }, { echo: true, logprobs: 0 }])
    expect(refuseCostlyScores(body, 1, model)).toBe(true);
  for (const body of [{}, { echo: true }, { logprobs: 5 }, { echo: true, logprobs: true }, { prompt_logprobs: null }])
    expect(refuseCostlyScores(body, 1, model)).toBe(false);
});

test("scores of a long prompt are refused, unless the model's record allows more", async () => {
  expect(refuseCostlyScores({ prompt_logprobs: 1 }, 1_024, model)).toBe(true);
  expect(refuseCostlyScores({ prompt_logprobs: 1 }, 4_096, { scoredTokensMax: 4_096 })).toBe(true);
  expect(refuseCostlyScores({ logprobs: 20 }, 100_000, model)).toBe(false);
  await expectRefusal(
    () => refuseCostlyScores({ prompt_logprobs: 1 }, 1_025, model),
    "invalid_value",
    "prompt_logprobs",
  );
  await expectRefusal(() => refuseCostlyScores({ echo: true, logprobs: 1 }, 1_025, model), "invalid_value", "echo");
  await expectRefusal(() => refuseCostlyScores({ echo: true, logprobs: 6 }, 1, model), "invalid_value", "logprobs");
});
