import OpenAI, { AzureOpenAI } from "openai";
import { describe, expect, inject, test } from "vitest";
import { findRoute } from "#edge/doors/routes.ts";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const id = "Qwen/Qwen2.5-7B-Instruct";
const messages = [{ role: "user" as const, content: "Tell me a story" }];
const apiVersion = "2024-10-21";

async function newClient(over: { deployment?: string } = {}) {
  const org = await world.newOrg();
  const azure = new AzureOpenAI({ endpoint: world.place.edge, apiKey: org.key, apiVersion, maxRetries: 0, ...over });
  return { org, azure };
}

describe("the official client for Azure", () => {
  test("chats, whole and streamed, by the deployment that its address names, and is billed for it", async () => {
    const { org, azure } = await newClient();
    const whole = await azure.chat.completions.create({ model: "chat", messages, max_tokens: 7 });
    expect(whole).toMatchObject({ model: id, usage: { completion_tokens: 7 } });
    const stream = await azure.chat.completions.create({
      model: id,
      messages,
      max_tokens: 5,
      stream: true,
      stream_options: { include_usage: true },
    });
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) usage = chunk.usage ?? usage;
    const rows = await world.settled(org.id);
    expect(rows.map(({ completionTokens }) => completionTokens).toSorted()).toEqual(
      [7, usage?.completion_tokens].toSorted(),
    );
    expect(new Set(rows.map(({ endpoint }) => endpoint))).toEqual(new Set(["chat.completions"]));
  });

  test("completes and embeds, where the deployment is the client's own", async () => {
    const { azure } = await newClient({ deployment: "chat" });
    const text = await azure.completions.create({ model: "chat", prompt: "Once", max_tokens: 3 });
    expect(text).toMatchObject({ model: id, usage: { completion_tokens: 3 } });
    const { azure: embedder } = await newClient({ deployment: "embed" });
    const { data: embeddings } = await embedder.embeddings.create({ model: "embed", input: ["a", "b"] });
    expect(embeddings).toHaveLength(2);
  });

  test("lists models, and hears of what is wrong as OpenAI's does", async () => {
    const { azure } = await newClient();
    expect((await azure.models.list()).data.map((model) => model.id)).toContain(id);
    const refused = (model: string) => azure.chat.completions.create({ model, messages });
    await expect(refused("nobody")).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    const { azure: other } = await newClient({ deployment: "text2sql" });
    await expect(other.chat.completions.create({ model: "chat", messages })).rejects.toMatchObject({
      status: 400,
      param: "model",
    });
    const stranger = new AzureOpenAI({ endpoint: world.place.edge, apiKey: "x", apiVersion, maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 });
  });
});

describe("Azure's newer address, /openai/v1", () => {
  async function newPlainClient() {
    const org = await world.newOrg();
    return new OpenAI({ baseURL: `${world.place.edge}/openai/v1/`, apiKey: org.key, maxRetries: 0 });
  }

  test("serves the plain client, with and without a version in the query", async () => {
    const openai = await newPlainClient();
    for (const query of [{}, { "api-version": "preview" }]) {
      const answer = await openai.chat.completions.create({ model: "chat", messages, max_tokens: 2 }, { query });
      expect(answer.usage?.completion_tokens).toBe(2);
    }
    expect((await openai.embeddings.create({ model: "embed", input: "a" })).data).toHaveLength(1);
    expect((await openai.models.list()).data.map(({ id }) => id)).toContain("chat");
  });

  test.runIf(findRoute("/v1/responses"))("serves responses where the gateway does", async () => {
    const openai = await newPlainClient();
    const answer = await openai.responses.create({ model: "chat", input: "Hello", max_output_tokens: 16 });
    expect(answer.usage?.output_tokens).toBeGreaterThan(0);
  });
});
