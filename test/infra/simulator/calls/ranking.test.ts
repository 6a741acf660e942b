import { expect, test } from "vitest";
import { scorePairs } from "#infra/simulator/calls/ranking.ts";
import { resolveOptions } from "#infra/simulator/options.ts";
import { ServedModels } from "#infra/simulator/served-model.ts";
import type { OracleRecord } from "#infra/simulator/text/oracle.ts";

const models = new ServedModels(
  resolveOptions({ models: [{ names: ["rank"], output: "scores", contextTokens: 64 }], profile: { stepMs: 0 } }),
);
const { signal } = new AbortController();
async function score(raw: Record<string, unknown>) {
  const record = { id: "", promptTokens: 0 } as OracleRecord;
  const body = await scorePairs({ model: "rank", ...raw }, models, { record, signal, nowMs: 5_000 });
  return { record, body: JSON.parse(body ?? "null") };
}

test("documents come back in the order in which they answer, each with its number", async () => {
  const documents = ["A bird sings.", "The deep well has water.", "A well."];
  const { body, record } = await score({ query: "a deep well", documents });
  expect(body.results.map(({ index }: { index: number }) => index)).toEqual([1, 2, 0]);
  expect(body.results[0]).toMatchObject({ document: { text: documents[1] } });
  expect(body.usage).toEqual({ prompt_tokens: record.promptTokens, total_tokens: record.promptTokens });
  expect((await score({ query: "a deep well", documents, top_n: 1 })).body.results).toHaveLength(1);
});

test("scores stand in the order of their pairs", async () => {
  const { body } = await score({ text_1: "a well", text_2: ["a bird", "a well"] });
  expect(body).toMatchObject({ object: "list", created: 5, model: "rank" });
  expect(body.data[0].score).toBeLessThan(body.data[1].score);
  expect((await score({ text_1: ["a", "b"], text_2: ["a", "b"] })).body.data).toHaveLength(2);
});

test("what is missing or too long is refused as vLLM does", async () => {
  await expect(score({ query: "x" })).rejects.toThrow("body.documents");
  await expect(score({ text_1: ["a", "b"], text_2: ["a"] })).rejects.toThrow("1:1, 1:N or N:N");
  await expect(score({ query: "x", documents: ["word ".repeat(99)] })).rejects.toThrow("64");
  await expect(score({ model: "none", query: "x", documents: ["y"] })).rejects.toThrow("none");
});
