import { expect, test } from "vitest";
import { ollamaEmbedWire, oldForm } from "#edge/protocol/ollama/embed.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { readAt, translate } from "./world.ts";

const embed = (over: object) => translate(ollamaEmbedWire, { model: "embed:latest", ...over });

test("an input is cut to the context unless it is told not to be; a prompt is the older form", () => {
  expect(embed({ input: "a" })).toMatchObject({
    json: { model: "embed", input: "a", truncate_prompt_tokens: -1 },
    answer: null,
  });
  expect(embed({ input: ["a"], truncate: false, dimensions: 8, options: { num_ctx: 1 } }).json).toEqual({
    model: "embed",
    input: ["a"],
    dimensions: 8,
  });
  expect(embed({ prompt: "a", dimensions: 0 })).toMatchObject({ json: { input: "a" }, answer: oldForm });
});

test("nothing to embed is answered at once, in the form that was asked in", () => {
  for (const input of ["", []]) expect(embed({ input }).early?.("m", 0)).toEqual({ model: "m", embeddings: [] });
  expect(embed({}).early?.("m", 0)).toEqual({ model: "m", embeddings: [] });
  expect(embed({ prompt: "" }).early?.("m", 0)).toEqual({ embedding: [] });
  expect(embed({ input: "a" }).early).toBeUndefined();
});

test.each([
  [{ input: 3 }, "input"],
  [{ input: ["a", 3] }, "input[1]"],
  [{ input: ["a", ""] }, "input[1]"],
  [{ input: "a", prompt: "b" }, "prompt"],
  [{ prompt: ["a"] }, "prompt"],
  [{ input: "a", dimensions: -1 }, "dimensions"],
  [{ input: "a", truncate: "yes" }, "truncate"],
])("%j is refused by its member", async (body, param) => {
  const refusal = await expectRefusal(() => readAt("ollama.embed", { model: "embed", ...body }), "invalid_value");
  expect(refusal.details.param).toBe(param);
});

test("an input that cannot fit is told of by its own name", async () => {
  const prompt = "x".repeat(2_000_000);
  const asPrompt = await expectRefusal(
    () => readAt("ollama.embed", { model: "embed", prompt }),
    "context_length_exceeded",
  );
  expect(asPrompt.details.param).toBe("prompt");
});
