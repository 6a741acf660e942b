import { expect, test } from "vitest";
import { chatLogprobs, completionLogprobs, embed, promptLogprobs } from "#infra/simulator/calls/logprobs.ts";
import { tokenize } from "#infra/simulator/text/tokenizer.ts";

const tokens = tokenize("The gate 🌊");

test("every token has its bytes, a logprob never above 0, and the requested alternatives", () => {
  const { content } = chatLogprobs(tokens, 0, 3, false);
  expect(content).toHaveLength(tokens.length);
  expect(Buffer.from(content.flatMap(({ bytes }) => bytes)).toString()).toBe("The gate 🌊");
  expect(
    content.every(
      ({ logprob, top_logprobs: [first, second] }) =>
        logprob <= 0 && first?.logprob === logprob && (second?.logprob ?? 0) < logprob,
    ),
  ).toBe(true);
  expect(chatLogprobs(tokens, 0, 0, true).content[0]).toMatchObject({
    token: `token_id:${tokens[0]}`,
    top_logprobs: [],
  });
});

test("completions count text offsets on, and an echoed prompt's first token has no logprob", () => {
  const told = completionLogprobs(tokenize("The gate"), {
    firstAt: 0,
    count: 2,
    hasIds: false,
    textOffset: 10,
    isPromptFirst: true,
  });
  expect(told).toMatchObject({
    text_offset: [10, 13],
    tokens: ["The", " gate"],
    token_logprobs: [null, expect.any(Number)],
    top_logprobs: [null, expect.any(Object)],
  });
  expect(promptLogprobs(tokenize("The gate"), 1)).toEqual([
    null,
    { [String(tokenize(" gate")[0])]: { logprob: -0.01, rank: 1, decoded_token: " gate" } },
  ]);
});

test("an embedding is a unit vector that depends on the text alone", () => {
  const vector = embed(tokens, 8);
  expect(vector).toHaveLength(8);
  expect(Math.hypot(...vector)).toBeCloseTo(1);
  expect(vector).toEqual(embed([...tokens], 8));
});
