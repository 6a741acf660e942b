import { expect, test } from "vitest";
import { buildModelCard } from "#edge/protocol/openai/models.ts";
import { modelOf } from "#test/support/fakes/models.ts";

test("a card is what OpenAI lists, in seconds, with the context as vLLM names it, and no prices", () => {
  expect(buildModelCard(modelOf({ createdAtMs: 1_760_000_000_999 }))).toEqual({
    id: "Qwen/Qwen2.5-7B-Instruct",
    object: "model",
    created: 1_760_000_000,
    owned_by: "penstock",
    max_model_len: 8_192,
    aliases: ["chat"],
    endpoints: ["chat.completions", "completions", "models"],
  });
});
