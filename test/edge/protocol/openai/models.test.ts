import { describe, expect, test } from "vitest";
import { buildModelCard, refuseModel, showModels } from "#edge/protocol/openai/models.ts";
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

describe("the models that are shown", () => {
  const models = [modelOf({ id: "a/one", aliases: ["one"] }), modelOf({ id: "b/two", aliases: ["two"] })];
  const list = (...scopes: Parameters<typeof showModels>[1]) => {
    const shown = showModels(models, scopes, null);
    return "data" in shown ? shown.data.map(({ id }) => id) : null;
  };

  test("are those that every scope names, and a scope that names none leaves all", () => {
    expect(list()).toEqual(["a/one", "b/two"]);
    expect(list({ models: null }, undefined, null)).toEqual(["a/one", "b/two"]);
    expect(list({ models: ["b/two", "a/one"] }, { models: ["b/two"] })).toEqual(["b/two"]);
    expect(list({ models: ["a/one"] }, { models: ["b/two"] })).toEqual([]);
  });

  test("are found one by one, by id or alias", () => {
    for (const name of ["b/two", "two"])
      expect(showModels(models, [{ models: ["b/two"] }], name)).toMatchObject({ object: "model", id: "b/two" });
  });

  test("do not distinguish a model outside the scopes from one that does not exist", () => {
    for (const name of ["one", "a/one", "none"])
      expect(() => showModels(models, [{ models: ["b/two"] }], name)).toThrow(refuseModel(name).message);
  });
});
