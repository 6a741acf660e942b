import { expect, test } from "vitest";
import { OllamaEmbeddings } from "#edge/protocol/ollama/answers.ts";
import { ollamaEmbedAnswers } from "#origin/calls/wires/ollama/embed.ts";
import { contextOf } from "./world.ts";

const rows = [
  { index: 1, embedding: [3] },
  { index: 0, embedding: [1, 2] },
];

test("embeddings come in the order of their inputs, with what they cost", () => {
  const answer = ollamaEmbedAnswers.buildWhole({ object: "list", data: rows }, contextOf());
  expect(OllamaEmbeddings.parse(answer)).toEqual({
    model: "m",
    embeddings: [[1, 2], [3]],
    total_duration: 100_000_000,
    load_duration: 0,
    prompt_eval_count: 12,
  });
});

test("who asked in the older form gets one, and nothing beside it", () => {
  const answer = ollamaEmbedAnswers.buildWhole({ data: rows }, contextOf({ isOld: true }));
  expect(answer).toEqual({ embedding: [1, 2] });
  expect(ollamaEmbedAnswers.buildWhole({}, contextOf({ isOld: true }))).toEqual({ embedding: [] });
});

test("no stream is made of them", () => {
  expect(() => ollamaEmbedAnswers.openTranslator(contextOf())).toThrow(TypeError);
});
