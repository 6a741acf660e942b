import OpenAI from "openai";
import { describe, expect, inject, test } from "vitest";
import { AnthropicModel, AnthropicModelPage } from "#edge/protocol/models/anthropic-page.ts";
import { ModelCard, ModelList } from "#edge/protocol/models/card.ts";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const chatId = "Qwen/Qwen2.5-7B-Instruct";

async function get(path: string, key: string, headers: Record<string, string> = {}) {
  const response = await fetch(world.place.edge + path, { headers: { authorization: `Bearer ${key}`, ...headers } });
  const body: unknown = await response.json();
  return { status: response.status, body };
}

describe("the list of models", () => {
  test("tells the official SDK of every name, what it can do and what it costs", async () => {
    const org = await world.newOrg();
    const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
    const cards: ModelCard[] = [];
    for await (const model of openai.models.list()) cards.push(ModelCard.parse(model));
    const find = (id: string) => cards.find((card) => card.id === id);
    expect(find("chat")).toMatchObject({
      type: "chat",
      root: chatId,
      parent: chatId,
      display_name: "Qwen2.5 7B Instruct",
      context_length: 131_072,
      capabilities: { tools: true, structured_outputs: true, embeddings: false },
      pricing: { prompt: "0.0000002", completion: "0.0000004", currency: "USD" },
      endpoints: expect.arrayContaining(["chat.completions", "messages", "responses"]),
    });
    expect(find("embed")).toMatchObject({ type: "embedding", output_modalities: ["embeddings"] });
    expect(await openai.models.retrieve("chat")).toMatchObject({ id: "chat", root: chatId });
    expect(await openai.models.retrieve(chatId)).toMatchObject({ id: chatId, parent: null });
  });

  test("has Anthropic's form for its clients, in pages, and for one model", async () => {
    const { key } = await world.newOrg();
    const version = { "anthropic-version": "2023-06-01" };
    const first = AnthropicModelPage.parse((await get("/v1/models?limit=1", key, version)).body);
    expect(first).toMatchObject({ has_more: true, first_id: first.last_id });
    const rest = AnthropicModelPage.parse((await get(`/v1/models?after_id=${first.last_id}`, key, version)).body);
    const all = [...first.data, ...rest.data].map(({ id }) => id);
    expect(all).toContain("chat");
    expect(all).not.toContain("embed");
    const { body } = await get("/v1/models/chat", key, version);
    expect(AnthropicModel.parse(body)).toMatchObject({ id: "chat", display_name: "Qwen2.5 7B Instruct" });
    expect((await get("/v1/models?limit=0", key, version)).status).toBe(400);
  });

  test("shows a narrow key its own models alone, and nothing to one without the endpoint", async () => {
    const org = await world.newOrg();
    const narrow = (await world.newKey(org.id, { models: ["embed"] })).secret;
    const list = ModelList.parse((await get("/v1/models", narrow)).body);
    expect(list.data.map(({ root }) => root)).toEqual(list.data.map(() => "Snowflake/snowflake-arctic-embed-m-v1.5"));
    expect(list.data.length).toBeGreaterThan(1);
    expect(await get("/v1/models/chat", narrow)).toMatchObject({
      status: 404,
      body: { error: { code: "model_not_found" } },
    });
    const blind = (await world.newKey(org.id, { endpoints: ["chat.completions"] })).secret;
    expect((await get("/v1/models", blind)).status).toBe(403);
  });
});
