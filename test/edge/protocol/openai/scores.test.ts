import { describe, expect, test } from "vitest";
import { isLongScore, refuseCostlyScores, refuseUnstreamed } from "#edge/protocol/openai/scores.ts";
import { expectRefusal, refusedBy } from "#test/support/fakes/refused.ts";

const model = {};
const messages = [{ role: "user", content: "Hi" }];
const size = (promptTokens: number) => ({ promptTokens, choices: 1, completionTokens: 1 });

describe("scores of a prompt", () => {
  test("are asked for by prompt_logprobs, by echo with logprobs, and of a chat by echo alone, as vLLM reads it", () => {
    for (const body of [{ prompt_logprobs: 0 }, { echo: true, logprobs: 0 }, { messages, echo: true }])
      expect(refuseCostlyScores(body, size(1), model)).toBe(true);
    const others = [
      {},
      { echo: true },
      { logprobs: 5 },
      { prompt_logprobs: null },
      { messages, echo: false, logprobs: true, top_logprobs: 20 },
    ];
    for (const body of others) expect(refuseCostlyScores(body, size(1), model)).toBe(false);
  });

  test("of a long prompt are refused, unless the model's record allows more", async () => {
    expect(refuseCostlyScores({ prompt_logprobs: 1 }, size(1_024), model)).toBe(true);
    expect(refuseCostlyScores({ prompt_logprobs: 1 }, size(4_096), { scoredTokensMax: 4_096 })).toBe(true);
    expect(refuseCostlyScores({ logprobs: 20 }, size(100_000), model)).toBe(false);
    const long: [Record<string, unknown>, string][] = [
      [{ prompt_logprobs: 1 }, "prompt_logprobs"],
      [{ echo: true, logprobs: 1 }, "echo"],
      [{ messages, echo: true }, "echo"],
    ];
    for (const [body, param] of long)
      await expectRefusal(() => refuseCostlyScores(body, size(1_025), model), "invalid_value", param);
  });

  test("are five for each token at most, whichever member says so", async () => {
    await expectRefusal(
      () => refuseCostlyScores({ echo: true, logprobs: 6 }, size(1), model),
      "invalid_value",
      "logprobs",
    );
    const chat = { messages, echo: true, logprobs: true, top_logprobs: 6 };
    await expectRefusal(() => refuseCostlyScores(chat, size(1), model), "invalid_value", "top_logprobs");
    expect(refuseCostlyScores({ ...chat, top_logprobs: 5 }, size(1), model)).toBe(true);
  });

  test("are long above the tokens that need no word in a record", () => {
    expect(isLongScore({ prompt_logprobs: 1 }, 1_024)).toBe(false);
    expect(isLongScore({ prompt_logprobs: 1 }, 1_025)).toBe(true);
    expect(isLongScore({ messages, echo: true }, 1_025)).toBe(true);
    expect(isLongScore({ logprobs: 5 }, 100_000)).toBe(false);
  });
});

describe("answers beside prompt_logprobs, which come in one piece", () => {
  test.each([
    [1, 64],
    [2, 32],
    [8, 8],
    [64, 1],
    [1_000, 1],
  ])("are so short that who leaves has had little for nothing: %i answers of %i tokens", async (choices, max) => {
    const ask = (completionTokens: number) => refuseUnstreamed({ prompt_logprobs: 1 }, { choices, completionTokens });
    expect(() => ask(max)).not.toThrow();
    const { code, details } = await refusedBy(() => ask(max + 1));
    expect([code, details.param]).toEqual(["invalid_value", "max_tokens"]);
    expect(details.message).toContain(`at most ${max} `);
    expect(details.message).toContain(`it is ${max + 1}.`);
  });

  test("are named by the member that was sent", async () => {
    const body = { prompt_logprobs: 0, max_completion_tokens: 65 };
    await expectRefusal(
      () => refuseCostlyScores(body, { ...size(1), completionTokens: 65 }, model),
      "invalid_value",
      "max_completion_tokens",
    );
  });

  test("can be streamed without it, and have no such bound", () => {
    const long = { choices: 8, completionTokens: 100_000 };
    for (const body of [{ echo: true, logprobs: 1 }, { messages, echo: true }, {}])
      expect(() => refuseUnstreamed(body, long)).not.toThrow();
  });
});
