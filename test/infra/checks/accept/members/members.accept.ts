import { beforeAll, expect, test } from "vitest";
import { askEngines, joinMembers, type EngineWord } from "#infra/checks/accept/members/ask-engine.ts";
import { compareMembers } from "#infra/checks/accept/members/compare-members.ts";
import { note, realEngines } from "../engines.ts";

/**
 * Does each member that the installed vLLM reads have a row in our tables? An engine grows members with every release;
 * what no row knows is not forwarded, and here somebody decides what becomes of it. `npm test` asks the same of the
 * version recorded in test/fixtures/vllm/openapi.json (infra/checks/accept/members/record-openapi.ts).
 */
const urls = realEngines().flatMap(({ kind, url }) => (kind === "think" ? [] : [url]));
let engine: EngineWord;
beforeAll(async () => {
  engine = await askEngines(urls);
});

test("every member, kind and type of part that this vLLM reads has a row", () => {
  const { unknown, unread } = compareMembers(joinMembers(engine));
  note(`rows that vLLM ${engine.version} does not read`, unread.join(", "));
  expect(unknown).toEqual([]);
});

test("chats, completions and the tokenizer were all compared, and embeddings where a server has them", () => {
  const compared = Array.from(joinMembers(engine).keys()).filter((place) => /^(chat\.)?[a-z]+$/.test(place));
  const isEmbedding = realEngines().some(({ kind }) => kind === "embed");
  expect(compared.toSorted()).toEqual([
    "chat.completions",
    "completions",
    ...(isEmbedding ? ["embeddings"] : []),
    "tokenize",
  ]);
});
