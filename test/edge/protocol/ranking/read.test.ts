import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { inputsMax } from "#edge/limits.ts";
import { boundPrompts } from "#edge/protocol/openai/bounds/prompts.ts";
import { readParsedBody } from "#edge/protocol/openai/read-body.ts";
import { chatModel, modelOf, rankModel, testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const rerank = (body: object, models = testModels) =>
  readParsedBody("rerank", { json: { model: "rerank", query: "q", documents: ["a"], ...body }, exact: null }, models);
const score = (body: object) =>
  readParsedBody("score", { json: { model: "rerank", text_1: "x", text_2: "y", ...body }, exact: null }, testModels);

describe("a rerank call", () => {
  test("is as many prompts as documents, generates nothing, and goes on with texts alone", () => {
    const documents = ["one", { text: "two", title: "T" }];
    const call = rerank({ documents, top_n: 1, return_documents: true, user: "u", odd: 1 });
    expect(call).toMatchObject({
      path: "/v1/rerank",
      model: rankModel,
      body: { model: rankModel.id, query: "q", documents: ["one", "two"], top_n: 1 },
      prompts: 2,
      choices: 0,
      completionTokens: 0,
      isStream: false,
    });
    expect(Object.keys(call.body).toSorted()).toEqual(["documents", "model", "query", "top_n"]);
    expect(call.ignored.headers).toEqual({ "x-penstock-ignored": "odd" });
  });

  test.each([
    [{ query: "" }, "invalid_value", "query"],
    [{ query: ["q"] }, "invalid_value", "query"],
    [{ documents: [] }, "invalid_value", "documents"],
    [{ documents: "a" }, "invalid_value", "documents"],
    [{ documents: ["a", ""] }, "invalid_value", "documents[1]"],
    [{ documents: ["a", { title: "x" }] }, "invalid_value", "documents[1].text"],
    [{ documents: Array(inputsMax + 1).fill("a") }, "invalid_value", "documents"],
    [{ top_n: -1 }, "invalid_value", "top_n"],
    [{ rank_fields: ["title"] }, "unsupported_parameter", "rank_fields"],
    [{ max_tokens_per_doc: 9 }, "unsupported_parameter", "max_tokens_per_doc"],
    [{ model: "embed" }, "invalid_value", "model"],
    [{ model: "none" }, "model_not_found", "model"],
    [{ documents: ["a", "x".repeat(8_192 * 128 + 1)] }, "context_length_exceeded", "documents[1]"],
  ] as const)("of %j is refused by name", async (body, code, param) => {
    await expectRefusal(() => rerank(body), code, param);
  });

  test("may not have a long query read beside many documents, and is soon told so", async () => {
    const startedAtMs = performance.now();
    const query = "x".repeat(500_000);
    expect(rerank({ query, documents: Array(16).fill("a") }).prompts).toBe(16);
    await expectRefusal(() => rerank({ query, documents: Array(inputsMax).fill("a") }), "invalid_value", "query");
    const texts = Array(inputsMax).fill("a");
    await expectRefusal(() => score({ text_1: query, text_2: texts }), "invalid_value", "text_1");
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });

  test("counts the query beside each document, with the model's template", () => {
    const [query, document] = ["ünï query", "a document"];
    const one = rerank({ query, documents: [document] }).promptTokensMax;
    const two = rerank({ query, documents: [document, document] }).promptTokensMax;
    expect(two).toBe(2 * one);
    const wider = [modelOf({ ...rankModel, templateTokensMax: 100 })];
    expect(rerank({ query, documents: [document] }, wider).promptTokensMax).toBe(one + 96);
  });

  test("has a bound that no tokenizer of the pair's texts goes beyond, and an estimate below it", () => {
    const text = fc.string({ minLength: 1, unit: "grapheme" });
    fc.assert(
      fc.property(text, fc.array(text, { minLength: 1, maxLength: 5 }), (query, documents) => {
        const call = rerank({ query, documents });
        const joined = documents.map((document) => query + document);
        expect(call.promptTokensMax).toBeGreaterThanOrEqual(boundPrompts(joined, { model: rankModel }));
        expect(call.prompts).toBe(documents.length);
      }),
    );
  });
});

describe("a score call", () => {
  test.each([
    [{ text_1: "x", text_2: "y" }, 1],
    [{ text_1: "x", text_2: ["y", "z"] }, 2],
    [{ text_1: ["x"], text_2: ["y", "z"] }, 2],
    [{ text_1: ["x", "w"], text_2: ["y", "z"] }, 2],
  ])("of %j is %i prompts", (body, prompts) => {
    expect(score(body)).toMatchObject({ path: "/v1/score", prompts, choices: 0, body });
  });

  test.each([
    [{ text_1: ["x", "w"], text_2: ["y"] }, "invalid_value", "text_2"],
    [{ text_1: ["x", "w"], text_2: "y" }, "invalid_value", "text_2"],
    [{ text_1: [] }, "invalid_value", "text_1"],
    [{ text_2: ["y", 7] }, "invalid_value", "text_2[1]"],
    [{ text_1: "x".repeat(8_192 * 128 + 1) }, "context_length_exceeded", "text_1"],
    [{ model: "chat" }, "invalid_value", "model"],
  ] as const)("of %j is refused by name", async (body, code, param) => {
    await expectRefusal(() => score(body), code, param);
  });
});

test("a body of any shape is read or refused, and never breaks", () => {
  const member = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(fc.string(), fc.record({ text: fc.anything() }))),
    fc.anything(),
  );
  const body = fc.record({ query: member, documents: member, text_1: member, text_2: member, top_n: fc.anything() });
  fc.assert(
    fc.property(body, fc.constantFrom(rerank, score), (sent, read) => {
      const json = JSON.parse(JSON.stringify(sent, (_, value) => (typeof value === "bigint" ? String(value) : value)));
      try {
        expect(read(json).promptTokensMax).toBeGreaterThan(0);
      } catch (failure) {
        expect(failure).toBeInstanceOf(Refusal);
      }
    }),
  );
});

test("what a model is told to serve is all that it serves", async () => {
  await expectRefusal(() => rerank({ model: chatModel.id }), "invalid_value", "model");
});
