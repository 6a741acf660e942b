import { describe, expect, test } from "vitest";
import { isCountable, refuseContext } from "#origin/engines/context-exceeded.ts";
import type { CallPath } from "#edge/agreements/paths.ts";

const call = (path: CallPath, body: Record<string, unknown> = {}) => ({ path, body });
const chat = call("/v1/chat/completions", { messages: [], max_tokens: 50 });

describe("a call that does not fit its model's context", () => {
  test.each([
    ["chat", chat, "messages"],
    ["newer chat", call("/v1/chat/completions", { max_tokens: 9, max_completion_tokens: 50 }), "messages"],
    ["completions", call("/v1/completions", { prompt: "a", max_tokens: 50 }), "prompt"],
  ])("%s: is refused in OpenAI's sentence, with its numbers", (_, refused, field) => {
    const { code, details } = refuseContext(refused, { tokens: 60, contextTokensMax: 100 }, false);
    expect([code, details.param]).toEqual(["context_length_exceeded", field]);
    expect(details.message).toBe(
      "This model's maximum context length is 100 tokens. " +
        `However, you requested 110 tokens (60 in the ${field}, 50 in the completion).`,
    );
  });

  test.each([
    ["that is our own default, which nobody requested", chat, "messages"],
    ["that embeddings do not have", call("/v1/embeddings", { input: "a" }), "input"],
  ])("names no completion %s", (_, refused, field) => {
    const { details } = refuseContext(refused, { tokens: 100, contextTokensMax: 100 }, true);
    expect(details).toMatchObject({
      param: field,
      message: `This model's maximum context length is 100 tokens. However, your ${field} resulted in 100 tokens.`,
    });
  });

  test.each([
    ["nothing was counted", null],
    ["the context is unknown", { tokens: 60, contextTokensMax: null }],
    ["the numbers do not show why", { tokens: 50, contextTokensMax: 100 }],
  ])("is refused in the general sentence where %s", (_, count) => {
    const { code, details } = refuseContext(chat, count, false);
    expect([code, details.param, details.message]).toEqual(["context_length_exceeded", "messages", undefined]);
  });
});

test("a call is counted if it has one prompt, which is not huge", () => {
  const list = call("/v1/embeddings", { input: ["a", "b"] });
  const one = call("/v1/embeddings", { input: ["a"] });
  const text = call("/v1/completions", { prompt: "a" });
  const isCounted = [chat, text, one, list].map((refused) => isCountable(refused, 1_000));
  expect(isCounted).toEqual([true, true, true, false]);
  expect(isCountable(chat, 2 * 1024 * 1024)).toBe(false);
});
