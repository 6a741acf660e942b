import { expect, test } from "vitest";
import { measureCall } from "#origin/calls/call-size.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const claims = { tokensHeld: 1_000, completionTokensMax: 100, promptTokensGuess: 40 };
const completions = (body: Record<string, unknown>, over: Partial<typeof claims> = {}) =>
  measureCall("/v1/completions", body, { ...claims, ...over });

test("prompts, choices and tokens are counted from the body and from what the edge has signed", () => {
  expect(completions({ prompt: ["a", "b"], n: 3 })).toEqual({
    path: "/v1/completions",
    prompts: 2,
    choices: 6,
    promptTokens: 40,
    completionTokens: 100,
  });
  expect(completions({ prompt: [1, 2, 3] })).toMatchObject({ prompts: 1, choices: 1 });
  expect(completions({ prompt: [[1], [2]] })).toMatchObject({ prompts: 2, choices: 2 });
  expect(measureCall("/v1/chat/completions", { messages: [], n: null }, claims)).toMatchObject({
    prompts: 1,
    choices: 1,
  });
  expect(measureCall("/v1/embeddings", { input: ["a", "b"], n: 7 }, claims)).toMatchObject({ prompts: 2, choices: 0 });
});

test("without an estimate the prompt counts what is held for it; an estimate never counts more than that", () => {
  const { promptTokensGuess: _, ...without } = claims;
  expect(measureCall("/v1/completions", { prompt: "a", n: 2 }, without).promptTokens).toBe(800);
  expect(completions({ prompt: "a", n: 2 }, { promptTokensGuess: 5_000 }).promptTokens).toBe(800);
  expect(completions({ prompt: "a", n: 2 }, { tokensHeld: 10 }).promptTokens).toBe(0);
});

test("an edge that let through what no edge should is not trusted", async () => {
  const times = (count: number) => Array.from({ length: count }, () => "a");
  expect(completions({ prompt: times(8), n: 8 }).choices).toBe(64);
  await expectRefusal(() => completions({ prompt: times(9), n: 8 }), "invalid_value", "n");
  await expectRefusal(() => completions({ prompt: times(65) }), "invalid_value", "prompt");
  await expectRefusal(() => completions({ prompt: times(2_049) }), "invalid_value", "prompt");
  await expectRefusal(() => completions({ prompt: "a", n: 9 }), "invalid_value", "n");
  await expectRefusal(() => completions({ prompt: "a", n: 1.5 }), "invalid_value", "n");
  await expectRefusal(() => measureCall("/v1/embeddings", { input: times(2_049) }, claims), "invalid_value", "input");
});
