import { describe, expect, test } from "vitest";
import { AnthropicModelPage } from "#edge/protocol/models/anthropic-page.ts";
import { ModelCard, ModelList } from "#edge/protocol/models/card.ts";
import { showModels } from "#edge/protocol/models/show.ts";
import { refuseModel } from "#edge/protocol/openai/models.ts";
import { embeddingModel, modelOf } from "#test/support/fakes/models.ts";

const models = [
  modelOf({ id: "a/one", aliases: ["one"], createdAtMs: 1_000 }),
  modelOf({ id: "b/two", aliases: ["two", "zwei"], createdAtMs: 2_000 }),
  embeddingModel,
];
type Scopes = Parameters<typeof showModels>[2];
const show = (scopes: Scopes, name: string | null, query = "", headers: Record<string, string> = {}) =>
  showModels(new Request(`http://edge/v1/models${query}`, { headers }), { models, currency: "USD" }, scopes, name);
const list = (...scopes: Scopes) => ModelList.parse(show(scopes, null)).data.map(({ id }) => id);
const anthropic = { "anthropic-version": "2023-06-01" };

describe("the models that are shown", () => {
  test("are those that every scope names, each under each of its names; a scope that names none leaves all", () => {
    const all = ["a/one", "one", "b/two", "two", "zwei", embeddingModel.id, "embed"];
    expect(list()).toEqual(all);
    expect(list({ models: null }, undefined, null)).toEqual(all);
    expect(list({ models: ["b/two", "a/one"] }, { models: ["b/two"] })).toEqual(["b/two", "two", "zwei"]);
    expect(list({ models: ["a/one"] }, { models: ["b/two"] })).toEqual([]);
  });

  // A chooser that offers every model of the list would offer what its key cannot call.
  test.each<[why: string, scopes: Scopes, shown: string[]]>([
    ["chats", [{ models: null, endpoints: ["chat.completions", "models"] }], ["a/one", "one", "b/two", "two", "zwei"]],
    ["chats of another protocol", [{ models: ["a/one"], endpoints: ["messages", "models"] }], ["a/one", "one"]],
    ["Ollama's embeddings", [{ models: null, endpoints: ["ollama.embed", "models"] }], [embeddingModel.id, "embed"]],
    [
      "chats by the token of a key for more",
      [
        { models: null, endpoints: ["embeddings", "chat.completions", "models"] },
        { models: ["a/one", embeddingModel.id], endpoints: ["chat.completions", "models"] },
      ],
      ["a/one", "one"],
    ],
    ["nothing here", [{ models: null, endpoints: ["rerank", "models"] }], []],
    ["only lists", [{ models: ["a/one"], endpoints: ["models"] }], ["a/one", "one"]],
    [
      "only lists by the token of a key for embeddings",
      [
        { models: null, endpoints: ["embeddings", "models"] },
        { models: null, endpoints: ["models"] },
      ],
      ["a/one", "one", "b/two", "two", "zwei", embeddingModel.id, "embed"],
    ],
  ])("are those that can be called, where the scopes name endpoints: %s", (_, scopes, shown) => {
    expect(list(...scopes)).toEqual(shown);
  });

  test("are not found one by one where they cannot be called", () => {
    const scopes: Scopes = [{ models: null, endpoints: ["chat.completions", "models"] }];
    expect(() => show(scopes, "embed")).toThrow(refuseModel("embed").message);
    expect(show(scopes, "one")).toMatchObject({ id: "one" });
  });

  test("are found one by one, under the name that was given", () => {
    for (const name of ["b/two", "zwei"])
      expect(ModelCard.parse(show([{ models: ["b/two"] }], name))).toMatchObject({ id: name, root: "b/two" });
  });

  test("do not distinguish a model outside the scopes from one that does not exist, in any form", () => {
    for (const name of ["one", "a/one", "none"])
      for (const headers of [{}, anthropic])
        expect(() => show([{ models: ["b/two"] }], name, "", headers)).toThrow(refuseModel(name).message);
  });
});

describe("to Anthropic's clients", () => {
  const page = (scopes: Scopes, query: string) => AnthropicModelPage.parse(show(scopes, null, query, anthropic));

  test("only models that chat are shown, the newest first, in pages", () => {
    expect(page([], "?limit=2")).toEqual({
      data: [
        expect.objectContaining({ type: "model", id: "b/two", created_at: "1970-01-01T00:00:02.000Z" }),
        expect.objectContaining({ id: "two" }),
      ],
      has_more: true,
      first_id: "b/two",
      last_id: "two",
    });
    expect(page([], "?after_id=zwei&beta=true").data.map(({ id }) => id)).toEqual(["a/one", "one"]);
  });

  test("a cursor of a model that the key may not use is none", () => {
    expect(() => page([{ models: ["b/two"] }], "?after_id=one")).toThrow("invalid_value");
  });

  test("one model has the same form, and one that cannot chat is not there", () => {
    expect(show([], "one", "", anthropic)).toMatchObject({ type: "model", id: "one" });
    expect(() => show([], "embed", "", anthropic)).toThrow(refuseModel("embed").message);
  });

  test("whoever asks without their version is none of them, whatever the query says", () => {
    expect(ModelList.parse(show([], null, "?limit=1")).data).toHaveLength(7);
  });
});
