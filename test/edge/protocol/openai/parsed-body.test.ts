import { expect, test } from "vitest";
import { readAffinity, refuseStrayOptions, refuseSurelyLong, writeBody } from "#edge/protocol/openai/parsed-body.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

test("the body for the origin has ours on top, and nothing that says nothing or that we alone read", () => {
  const body = { model: "chat", temperature: 0, user: undefined, prompt_cache_key: "mine" };
  expect(writeBody(body, { model: "the/model", max_tokens: 3 })).toEqual({
    model: "the/model",
    temperature: 0,
    max_tokens: 3,
  });
  expect(writeBody({ tools: [] }, { tools: undefined })).toEqual({});
});

test("text that has too many tokens whatever a tokenizer makes of it is refused", async () => {
  refuseSurelyLong("x".repeat(1_280), "prompt", { contextTokensMax: 10 });
  const refusal = await expectRefusal(
    () => refuseSurelyLong("x".repeat(1_281), "prompt", { contextTokensMax: 10 }),
    "context_length_exceeded",
    "prompt",
  );
  expect(refusal.details.message).toContain("at least 11");
});

test("stream options need a stream", async () => {
  refuseStrayOptions({ stream: true, stream_options: {} });
  refuseStrayOptions({ stream: null, stream_options: null });
  for (const stream of [false, null, undefined])
    await expectRefusal(() => refuseStrayOptions({ stream, stream_options: {} }), "invalid_value", "stream_options");
});

test("calls are alike by the caller's own cache key, or else by the prompt's first kilobyte", () => {
  expect(readAffinity({ prompt_cache_key: "mine" }, "text")).toBe("mine");
  for (const none of [undefined, null, "", 7]) expect(readAffinity({ prompt_cache_key: none }, "text")).toBe("text");
  expect(readAffinity({}, "a".repeat(2_000))).toHaveLength(1_024);
  expect(readAffinity({ prompt_cache_key: "b".repeat(2_000) }, "")).toHaveLength(1_024);
});
