import { describe, expect, test } from "vitest";
import { isCountable, refuseContext } from "#origin/engines/context-exceeded.ts";
import type { CallPath } from "#edge/agreements/paths.ts";

const call = (path: CallPath, body: Record<string, unknown> = {}) => ({ path, body });
const chat = call("/v1/chat/completions", { messages: [], max_tokens: 50 });

const asked = { isDefaultMax: false, known: undefined };
const messagesSaid =
  "This model's maximum context length is 100 tokens. However, you requested 110 tokens " +
  "(60 in the messages, 50 in the completion). Please reduce the length of the messages or completion.";

describe("a call that does not fit its model's context", () => {
  test.each([
    ["chat", chat, "messages", messagesSaid],
    [
      "newer chat",
      call("/v1/chat/completions", { max_tokens: 9, max_completion_tokens: 50 }),
      "messages",
      messagesSaid,
    ],
    [
      "completions",
      call("/v1/completions", { prompt: "a", max_tokens: 50 }),
      "prompt",
      "This model's maximum context length is 100 tokens, however you requested 110 tokens " +
        "(60 in your prompt; 50 for the completion). Please reduce your prompt; or completion length.",
    ],
  ])("%s: is refused in OpenAI's sentence, with its numbers", (_, refused, field, known) => {
    const { code, details } = refuseContext(refused, { tokens: 60, contextTokensMax: 100 }, asked);
    expect([code, details.param]).toEqual(["context_length_exceeded", field]);
    expect(details.message).toBe(known);
  });

  test.each([
    [
      "that is our own default, which nobody requested",
      chat,
      "messages",
      "This model's maximum context length is 100 tokens. However, your messages resulted in 100 tokens. " +
        "Please reduce the length of the messages.",
    ],
    [
      "that embeddings do not have",
      call("/v1/embeddings", { input: "a" }),
      "input",
      "This model's maximum context length is 100 tokens, however you requested 100 tokens " +
        "(100 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
    ],
  ])("names no completion %s", (_, refused, field, message) => {
    const { details } = refuseContext(
      refused,
      { tokens: 100, contextTokensMax: 100 },
      { ...asked, isDefaultMax: true },
    );
    expect(details).toMatchObject({ param: field, message });
  });

  test.each([
    ["nothing was counted", null],
    ["the context is unknown", { tokens: 60, contextTokensMax: null }],
    ["the numbers do not show why", { tokens: 50, contextTokensMax: 100 }],
  ])("is refused in the general sentence, or by what the engine told, where %s", (_, count) => {
    for (const known of [undefined, "This model's maximum context length is 100 tokens."]) {
      const { code, details } = refuseContext(chat, count, { isDefaultMax: false, known });
      expect([code, details.param, details.message]).toEqual(["context_length_exceeded", "messages", known]);
    }
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
