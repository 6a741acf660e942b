import { describe, expect, inject, test } from "vitest";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const query = "Where is the deep well?";
const documents = ["A bird sings.", "The deep well is where the road ends.", "A road."];

async function ask(path: string, key: string, body: unknown) {
  const response = await world.post(path, key, body);
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer whose shape is what the journey asserts
  return { status: response.status, body: (await response.json()) as any, headers: response.headers };
}

describe("ranking", () => {
  test("answers at each address that clients use, and is billed as the engine's prompt", async () => {
    const org = await world.newOrg();
    for (const path of ["/v1/rerank", "/rerank", "/v2/rerank"]) {
      const { status, body } = await ask(path, org.key, { model: "rerank", query, documents, top_n: 2 });
      expect([status, body.model]).toEqual([200, "BAAI/bge-reranker-v2-m3"]);
      expect(body.results.map(({ index }: { index: number }) => index)).toEqual([1, 2]);
      expect(body.results[0].document.text).toBe(documents[1]);
    }
    const rows = await world.settled(org.id);
    expect(rows).toHaveLength(3);
    for (const row of rows) {
      expect(row).toMatchObject({ end: "completed", endpoint: "rerank", completionTokens: 0, units: documents.length });
      const [made] = await world.made(String(row["hold"]));
      expect(row.promptTokens).toBe(made?.promptTokens);
      expect(row.costMicros).toBe(Math.ceil((row.promptTokens * 20_000) / 1_000_000));
    }
  });

  test("of many documents is asked for in pieces, and answered as one", async () => {
    const org = await world.newOrg();
    const many = Array.from({ length: 100 }, (_, at) => (at === 77 ? (documents[1] ?? "") : `Page ${at}.`));
    const { body } = await ask("/v1/rerank", org.key, { model: "rerank", query, documents: many });
    expect(body.results).toHaveLength(100);
    expect(body.results[0].index).toBe(77);
    const numbers = body.results.map(({ index }: { index: number }) => index);
    expect(new Set(numbers).size).toBe(100);
    const [row] = await world.settled(org.id);
    expect(body.usage.prompt_tokens).toBe(row?.promptTokens);
    const made = await world.made(String(row?.["hold"]));
    expect(made).toHaveLength(4);
    expect(made.reduce((sum, { promptTokens }) => sum + promptTokens, 0)).toBe(row?.promptTokens);
  });

  test("scores pairs, with and without /v1", async () => {
    const org = await world.newOrg();
    for (const path of ["/v1/score", "/score"]) {
      const { status, body } = await ask(path, org.key, { model: "rerank", text_1: query, text_2: documents });
      expect([status, body.object, body.data.length]).toEqual([200, "list", 3]);
      expect(body.data[1].score).toBeGreaterThan(body.data[0].score);
    }
    expect(await world.settled(org.id)).toMatchObject([{ endpoint: "score" }, { endpoint: "score" }]);
  });

  test.each([
    ["/v1/rerank", { model: "rerank", query }, "documents"],
    ["/v1/rerank", { model: "rerank", query, documents: [7] }, "documents[0]"],
    ["/v1/rerank", { model: "chat", query, documents }, "model"],
    ["/v1/score", { model: "rerank", text_1: ["a", "b"], text_2: ["a"] }, "text_2"],
  ])("at %s refuses %j by the member's name", async (path, body, param) => {
    const { key } = await world.newOrg();
    const answer = await ask(path, key, body);
    expect([answer.status, answer.body.error.param]).toEqual([400, param]);
  });

  test("is for keys that have the endpoint and the model; chats by a model that ranks are refused", async () => {
    const org = await world.newOrg();
    const narrow = (await world.newKey(org.id, { endpoints: ["embeddings"] })).secret;
    expect((await ask("/v1/rerank", narrow, { model: "rerank", query, documents })).status).toBe(403);
    const others = (await world.newKey(org.id, { models: ["chat"] })).secret;
    expect((await ask("/v1/rerank", others, { model: "rerank", query, documents })).status).toBe(404);
    const ranks = (await world.newKey(org.id, { endpoints: ["rerank"], models: ["rerank"] })).secret;
    expect((await ask("/v2/rerank", ranks, { model: "rerank", query, documents })).status).toBe(200);
    expect((await ask("/v1/score", ranks, { model: "rerank", text_1: "a", text_2: "b" })).status).toBe(403);
    expect((await world.chat(org.key, { model: "rerank" })).status).toBe(400);
  });
});
