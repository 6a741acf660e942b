import { expect, test } from "vitest";
import { resolveOptions } from "#infra/simulator/options.ts";
import { makeReport, type OracleRecord } from "#infra/simulator/text/oracle.ts";
import {
  answerDetokenize,
  answerTokenize,
  describeTokenizer,
  embedInputs,
  listModels,
} from "#infra/simulator/plain-routes.ts";
import { ServedModels } from "#infra/simulator/served-model.ts";

const models = new ServedModels(
  resolveOptions({
    models: [{ names: ["a/long", "short"] }, { names: ["vec"], output: "vectors" }],
    profile: { stepMs: 0 },
  }),
);
const blank: OracleRecord = {
  id: "",
  requestId: null,
  path: "/v1/embeddings",
  model: "",
  status: 200,
  promptTokens: 0,
  cachedTokens: 0,
  generatedTokens: 0,
  emittedTokens: 0,
  finishReasons: [],
  outcome: "open",
  startedAtMs: 0,
  endedAtMs: null,
};

test("there is a card for each name; aliases name their root", () => {
  expect(JSON.parse(listModels(models, 5_000))).toMatchObject({
    object: "list",
    data: [{ id: "a/long", created: 5, max_model_len: 8_192 }, { id: "short", root: "a/long" }, { id: "vec" }],
  });
});

test("tokenize counts, names tokens when asked, and works for any model", () => {
  expect(JSON.parse(answerTokenize({ model: "vec", prompt: "a gate", return_token_strs: true }, models))).toMatchObject(
    {
      count: 2,
      token_strs: ["a", "Ġgate"],
    },
  );
  expect(JSON.parse(answerTokenize({ messages: [{ role: "user", content: "x" }] }, models))).toMatchObject({
    token_strs: null,
  });
  expect(() => answerTokenize({ model: "short" }, models)).toThrow("2 validation errors");
});

test("detokenize ignores ids that mean nothing", () => {
  expect(answerDetokenize({ tokens: [72, 105, 2 ** 40, -1] }, models)).toBe('{"prompt":"Hi"}');
  expect(() => answerDetokenize({}, models)).toThrow("body.tokens");
});

test("an embedding is prefilled and billed by its prompt; nobody is answered who has left", async () => {
  const record = { ...blank };
  const body = JSON.parse(
    (await embedInputs({ model: "vec", input: ["one", "two words"], dimensions: 3 }, models, {
      record,
      signal: new AbortController().signal,
      nowMs: 0,
    })) ?? "",
  ) as { data: { embedding: number[] }[] };
  expect(body).toMatchObject({
    object: "list",
    model: "vec",
    usage: { prompt_tokens: 3, total_tokens: 3, completion_tokens: 0 },
  });
  expect(body.data.map(({ embedding }) => embedding.length)).toEqual([3, 3]);
  expect(makeReport([record]).totals.promptTokens).toBe(3);
  const leave = new AbortController();
  const late = embedInputs({ model: "vec", input: "x" }, models, {
    record: { ...blank },
    signal: leave.signal,
    nowMs: 0,
  });
  leave.abort();
  expect(await late).toBeNull();
  expect(models.all[1]?.engine.running).toBe(0);
});

test("a cut of -1 is to the context, as vLLM's; without one, what is longer is refused", async () => {
  const ask = async (more: object) => {
    const record = { ...blank };
    const body = { model: "vec", input: "mill ".repeat(10_000), ...more };
    await embedInputs(body, models, { record, signal: new AbortController().signal, nowMs: 0 });
    return record.promptTokens;
  };
  expect(await ask({ truncate_prompt_tokens: -1 })).toBe(models.all[1]?.engine.profile.contextTokens);
  expect(await ask({ truncate_prompt_tokens: 7 })).toBe(7);
  await expect(ask({})).rejects.toThrow("maximum context length");
});

test("the tokenizer tells its marks and its template, as its configuration has them", () => {
  expect(JSON.parse(describeTokenizer())).toMatchObject({
    eos_token: "<|im_end|>",
    pad_token: { content: "<|endoftext|>" },
    chat_template: expect.stringContaining("<|im_start|>assistant"),
  });
});
