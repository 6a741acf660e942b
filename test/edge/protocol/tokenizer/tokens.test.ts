import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Refusal } from "#edge/errors.ts";
import { promptIdsMax } from "#edge/limits.ts";
import { findTextEndpoint, readDetokenize, readTokenize, readTraits } from "#edge/protocol/tokenizer/tokens.ts";
import { chatModel, embeddingModel, modelOf, sqlModel, testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";

type Scopes = { models: string[] | null }[];
const sourceOf = (scopes: Scopes = [], models = testModels) => ({
  models,
  sender: { org: "", key: "" },
  readScopes: vi.fn<() => Promise<Scopes>>(async () => scopes),
});
const tokenize = (body: unknown, source = sourceOf()) => readTokenize(visitOf(posted(body)), source);
const detokenize = (body: unknown, source = sourceOf()) => readDetokenize(visitOf(posted(body)), source);
const traits = (query: string, source = sourceOf()) =>
  readTraits(visitOf(new Request(`http://edge/v1/tokenizer_info${query}`)), source);
const messages = [{ role: "user", content: "Hi" }];

describe("tokens of a text", () => {
  test("are asked for with vLLM's members, and answered with the context that is served", async () => {
    const { call, question } = await tokenize({
      model: "chat",
      prompt: "Hi",
      add_special_tokens: false,
      return_token_strs: true,
      priority: 1,
    });
    expect(call).toMatchObject({ endpoint: "completions", model: chatModel });
    expect([question.path, question.body]).toEqual([
      "/tokenizer/tokens",
      { prompt: "Hi", add_special_tokens: false, return_token_strs: true },
    ]);
    expect(question.write({ tokens: [1, 2], token_strs: ["H", "i"] })).toEqual({
      count: 2,
      max_model_len: 8_192,
      tokens: [1, 2],
      token_strs: ["H", "i"],
    });
    for (const answer of [{}, { tokens: [-1], token_strs: null }, { tokens: [1], token_strs: 7 }])
      expect(question.write(answer)).toBeNull();
  });

  test("may be empty, and of any model that takes text", async () => {
    expect((await tokenize({ model: "embed", prompt: "" })).call).toMatchObject({ endpoint: "embeddings" });
  });

  test("that no model takes are refused before anybody counts them", async () => {
    const prompt = "x".repeat(4_096 * 128 + 1);
    await expectRefusal(() => tokenize({ model: "text2sql", prompt }), "context_length_exceeded", "prompt");
  });
});

describe("tokens of a chat", () => {
  test("are asked for with what its template is given", async () => {
    const more = { tools: [{ type: "function", function: { name: "f" } }], add_generation_prompt: false };
    const { call, question } = await tokenize({ model: "chat", messages, ...more, return_token_strs: true, odd: 1 });
    expect(call).toMatchObject({ endpoint: "chat.completions", completionTokens: 0 });
    expect(call.ignored.headers).toEqual({ "x-penstock-ignored": "odd" });
    expect(question.body).toMatchObject({ model: chatModel.id, messages, ...more, return_token_strs: true });
  });

  test.each([
    [{ model: "chat", messages: [{ role: "user", content: 7 }] }, "invalid_value", "messages[0].content"],
    [{ model: "chat", messages, return_token_strs: "no" }, "invalid_value", "return_token_strs"],
    [{ model: "chat", messages, chat_template: "x" }, "unsupported_parameter", "chat_template"],
    [{ model: "chat", messages, documents: [{ text: "x" }] }, "unsupported_parameter", "documents"],
    [{ model: "embed", messages }, "invalid_value", "model"],
    [{ model: 7, messages }, "invalid_value", "model"],
  ] as const)("of %j are refused by the member's name", async (body, code, param) => {
    await expectRefusal(() => tokenize(body), code, param);
  });
});

describe("the text of tokens", () => {
  test("is asked for by their ids", async () => {
    const { call, question } = await detokenize({ model: "text2sql", tokens: [0, 2 ** 31 - 1] });
    expect(call).toMatchObject({ endpoint: "chat.completions", model: sqlModel });
    expect([question.path, question.body]).toEqual(["/tokenizer/text", { tokens: [0, 2 ** 31 - 1] }]);
    expect(question.write({ prompt: "x" })).toEqual({ prompt: "x" });
    expect(question.write({ prompt: null })).toBeNull();
  });

  test("of too many, or of what are none, is refused by the first at fault", async () => {
    await expectRefusal(() => detokenize({ model: "chat", tokens: Array(promptIdsMax + 1).fill(1) }), "invalid_value");
    const wrong = fc.oneof(fc.integer({ max: -1 }), fc.double({ min: 0.1, max: 0.9 }), fc.string(), fc.constant(null));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 5 }), wrong, async (right, one) => {
        const tokens = [...right, one, 7];
        await expectRefusal(() => detokenize({ model: "chat", tokens }), "invalid_value", `tokens[${right.length}]`);
      }),
    );
  });
});

test("what a tokenizer is like is asked of the model that the query names", async () => {
  const { call, question } = await traits("?model=embed");
  expect(call.model).toBe(embeddingModel);
  expect([question.path, question.body]).toEqual(["/tokenizer/traits", {}]);
  const marks = { bos_token: null, eos_token: "</s>", pad_token: null, unk_token: null };
  const known = { tokenizer_class: "X", ...marks, add_bos_token: true, add_eos_token: null, chat_template: "{{ x }}" };
  expect(question.write(known)).toEqual(known);
  expect(question.write({ ...known, chat_template: "x".repeat(256 * 1024 + 1) })).toBeNull();
  await expectRefusal(() => traits("?model=none"), "model_not_found", "model");
});

describe("a model that is not named", () => {
  test("is the only one that the key may use; scopes are read only then", async () => {
    const one = sourceOf([{ models: [embeddingModel.id, chatModel.id] }, { models: [chatModel.id] }]);
    expect((await tokenize({ prompt: "x" }, one)).call.model).toBe(chatModel);
    expect((await tokenize({ messages, model: null }, one)).call.model).toBe(chatModel);
    expect((await detokenize({ tokens: [1] }, one)).call.model).toBe(chatModel);
    expect((await traits("", one)).call.model).toBe(chatModel);
    expect((await traits("", sourceOf([], [modelOf()]))).call.model).toEqual(modelOf());
    const named = sourceOf();
    await tokenize({ model: "chat", prompt: "x" }, named);
    expect(named.readScopes).not.toHaveBeenCalled();
  });

  test("is refused where there are several, or none", async () => {
    await expectRefusal(() => tokenize({ prompt: "x" }), "invalid_value", "model");
    await expectRefusal(() => tokenize({ prompt: "x" }, sourceOf([{ models: [] }])), "invalid_value", "model");
  });
});

test("every fault of a chat tells of its model, so that nobody learns of one that they may not use", async () => {
  const failure = await tokenize({ model: "chat", messages: [] }).catch((cause: unknown) => cause);
  expect(failure).toBeInstanceOf(Refusal);
  expect(failure).toMatchObject({ details: { about: { name: "chat", id: chatModel.id } } });
});

test("a body of any shape is read or refused, and never breaks", async () => {
  const shape = fc.record(
    {
      model: fc.oneof(fc.constantFrom("chat", "embed", "none"), fc.anything()),
      prompt: fc.oneof(fc.string(), fc.anything()),
      messages: fc.oneof(fc.constant(messages), fc.anything()),
      tokens: fc.oneof(fc.array(fc.nat()), fc.anything()),
      add_special_tokens: fc.anything(),
      return_token_strs: fc.anything(),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(shape, fc.constantFrom(tokenize, detokenize), async (body, readIt) => {
      const sent = JSON.stringify(body, (_, value) => (typeof value === "bigint" ? String(value) : value));
      const read = await readIt(sent).catch((cause: unknown) => cause);
      if (read instanceof Error) expect(read).toBeInstanceOf(Refusal);
      else expect(read).toMatchObject({ call: { promptTokensMax: 0, completionTokens: 0 } });
    }),
  );
});

test("a model takes text by its widest endpoint", () => {
  expect(findTextEndpoint({ endpoints: ["embeddings", "completions"] })).toBe("completions");
  expect(findTextEndpoint({ endpoints: ["text2sql"] })).toBe("text2sql");
  expect(findTextEndpoint({ endpoints: ["models"] })).toBe("completions");
});
