import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, generateText, streamText, tool } from "ai";
import OpenAI from "openai";
import { describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { eventsOf, worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const messages = [{ role: "user" as const, content: "Tell me a story" }];

async function newClient() {
  const org = await world.newOrg();
  return { org, openai: new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 }) };
}

describe("the official openai SDK", () => {
  test("streams a chat, and the bill is the usage that it reported", async () => {
    const { org, openai } = await newClient();
    const stream = await openai.chat.completions.create({
      model: "chat",
      messages,
      max_tokens: 40,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let finish: string | null = null;
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
      expect(chunk.model).toBe("Qwen/Qwen2.5-7B-Instruct");
    }
    expect(text.length).toBeGreaterThan(10);
    expect(["stop", "length"]).toContain(finish);
    const [row, ...others] = await world.settled(org.id);
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      end: "completed",
      promptTokens: usage?.prompt_tokens,
      completionTokens: usage?.completion_tokens,
      model: "Qwen/Qwen2.5-7B-Instruct",
    });
    const [made] = await world.made(String(row?.hold));
    expect(made?.emittedTokens).toBe(row?.completionTokens);
    const month = (await world.ledger(org.id)).windows.find(
      (window: { window: string }) => window.window === "tokensPerMonth",
    );
    expect(month).toMatchObject({ held: 0, settled: usage?.total_tokens ?? 0 });
  });

  test("gets a whole answer with usage and the headers of its limits", async () => {
    const org = await world.newOrg({ requestsPerMinute: 60, tokensPerDay: 100_000 });
    const openai = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key });
    const { data, response } = await openai.chat.completions
      .create({ model: "chat", messages, max_tokens: 8 })
      .withResponse();
    expect(data).toMatchObject({
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant" } }],
      usage: { completion_tokens: 8 },
    });
    expect(response.headers.get("x-ratelimit-limit-requests")).toBe("60");
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("59");
    expect(response.headers.get("x-ratelimit-limit-tokens")).toBe("100000");
    const requestId = response.headers.get("x-request-id");
    expect(requestId).toMatch(/^req_/);
    expect(await world.settled(org.id)).toMatchObject([
      { requestId, hold: response.headers.get("x-penstock-hold"), responseId: data.id },
    ]);
    expect(response.headers.get("x-penstock-tier")).toMatch(/^shared; kv=\d+ gpu_s=[\d.]+ why=standard$/);
    expect(Number(response.headers.get("openai-processing-ms"))).toBeGreaterThanOrEqual(0);
  });

  test("is told which members were not forwarded, whole or streamed; else there is no such header", async () => {
    const { openai } = await newClient();
    const strange = { brand_new: { a: 1 }, metadata: { order: "7" }, messages: [{ ...messages[0]!, custom: 1 }] };
    for (const stream of [false, true]) {
      const body = { model: "chat", max_tokens: 2, ...strange, stream };
      const { response } = await openai.chat.completions.create(body).withResponse();
      expect(response.headers.get("x-penstock-ignored")).toBe("brand_new,messages[].custom");
    }
    const { response } = await openai.chat.completions
      .create({ model: "chat", max_tokens: 2, messages })
      .withResponse();
    expect(response.headers.has("x-penstock-ignored")).toBe(false);
  });

  test("passes tools, response_format, logprobs, n, seed, stop, top_k to the engine unharmed", async () => {
    const { openai } = await newClient();
    const tools = [
      {
        type: "function" as const,
        function: {
          name: "weather",
          parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        },
      },
    ];
    const called = await openai.chat.completions.create({ model: "chat", messages, tools, tool_choice: "required" });
    const [call] = called.choices[0]?.message.tool_calls ?? [];
    expect(call).toMatchObject({ type: "function", function: { name: "weather" } });

    const schema = {
      type: "object",
      properties: { age: { type: "integer" } },
      required: ["age"],
      additionalProperties: false,
    };
    const structured = await openai.chat.completions.create({
      model: "chat",
      messages,
      response_format: { type: "json_schema", json_schema: { name: "person", schema } },
    });
    expect(JSON.parse(structured.choices[0]?.message.content ?? "")).toEqual({ age: expect.any(Number) });

    const several = await openai.chat.completions.create({
      model: "chat",
      messages,
      n: 3,
      logprobs: true,
      top_logprobs: 2,
      max_tokens: 5,
    });
    expect(several.choices).toHaveLength(3);
    expect(several.choices[0]?.logprobs?.content?.[0]?.top_logprobs).toHaveLength(2);

    const vllmOnly = { top_k: 5, repetition_penalty: 1.1 };
    const seeded = () =>
      openai.chat.completions.create({ model: "chat", messages, seed: 7, temperature: 1, max_tokens: 12, ...vllmOnly });
    const [one, other] = [await seeded(), await seeded()];
    expect(one.choices[0]?.message.content).toBe(other.choices[0]?.message.content);
    const word = one.choices[0]?.message.content?.trim().split(" ")[2] ?? "";
    const stopped = await openai.chat.completions.create({
      model: "chat",
      messages,
      seed: 7,
      temperature: 1,
      max_tokens: 12,
      stop: [word],
      ...vllmOnly,
    });
    expect(stopped.choices[0]?.message.content).not.toContain(word);
  });

  test("completes text, embeds, and lists the models its key may use", async () => {
    const { org, openai } = await newClient();
    const completion = await openai.completions.create({ model: "chat", prompt: "Once upon a time" });
    expect(completion).toMatchObject({ object: "text_completion", usage: { completion_tokens: 16 } });
    const embedding = await openai.embeddings.create({ model: "embed", input: ["one", "two"] });
    expect(embedding.data).toHaveLength(2);
    expect(embedding.data[0]?.embedding.length).toBeGreaterThan(3);
    const all = await openai.models.list();
    expect(all.data.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["Qwen/Qwen2.5-7B-Instruct", "chat", "Snowflake/Arctic-Text2SQL-R1-7B", "embed"]),
    );
    expect(await openai.models.retrieve("Qwen/Qwen2.5-7B-Instruct")).toMatchObject({
      object: "model",
      owned_by: "Qwen",
    });
    const narrow = await world.newKey(org.id, { models: ["chat"] });
    const few = await new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: narrow.secret }).models.list();
    expect(few.data.map(({ id }) => id)).toEqual(["Qwen/Qwen2.5-7B-Instruct", "chat"]);
    const rows = await world.settled(org.id);
    expect(rows.map((row) => row.endpoint).sort()).toEqual(["completions", "embeddings"]);
  });
});

describe("the AI SDK", () => {
  test("generates, streams, calls a tool and embeds through @ai-sdk/openai-compatible", async () => {
    const org = await world.newOrg();
    const provider = createOpenAICompatible({
      name: "penstock",
      baseURL: `${world.place.edge}/v1`,
      apiKey: org.key,
      includeUsage: true,
    });
    const whole = await generateText({ model: provider("chat"), prompt: "Hello", maxOutputTokens: 12 });
    expect(whole.text.length).toBeGreaterThan(0);
    expect(whole.usage.outputTokens).toBeLessThanOrEqual(12);
    const streamed = streamText({ model: provider("chat"), prompt: "Hello", maxOutputTokens: 20 });
    let text = "";
    for await (const delta of streamed.textStream) text += delta;
    expect(text.length).toBeGreaterThan(0);
    expect((await streamed.usage).outputTokens).toBeGreaterThan(0);
    const weather = tool({
      description: "weather of a city",
      inputSchema: z.object({ city: z.string() }),
      execute: async () => "sunny",
    });
    const used = await generateText({
      model: provider("chat"),
      prompt: "Weather?",
      tools: { weather },
      toolChoice: "required",
    });
    expect(used.toolCalls[0]?.toolName).toBe("weather");
    const vector = await embed({ model: provider.textEmbeddingModel("embed"), value: "hello" });
    expect(vector.embedding.length).toBeGreaterThan(3);
    const rows = await world.settled(org.id);
    expect(rows.every(({ end }) => end === "completed")).toBe(true);
  });
});

describe("bare fetch", () => {
  test("/text2sql is chat-shaped with the text2sql model by default", async () => {
    const org = await world.newOrg();
    const response = await world.post("/text2sql", org.key, { messages, max_tokens: 30 });
    const body = (await response.json()) as { model: string; choices: { message: { content: string } }[] };
    expect(response.status).toBe(200);
    expect(body.model).toBe("Snowflake/Arctic-Text2SQL-R1-7B");
    expect(body.choices[0]?.message.content).toMatch(/select/i);
    expect(await world.settled(org.id)).toMatchObject([{ endpoint: "text2sql" }]);
  });

  test("a stream ends with a finish_reason and [DONE], and holds usage only when requested", async () => {
    const org = await world.newOrg();
    const plain = await eventsOf(await world.chat(org.key, { stream: true, max_tokens: 6 }));
    expect(plain.at(-1)).toBe("[DONE]");
    const chunks = plain.slice(0, -1).map((event) => JSON.parse(event));
    expect(chunks.every((chunk) => chunk.choices.length === 1 && !("usage" in chunk && chunk.usage !== null))).toBe(
      true,
    );
    expect(chunks.at(-1).choices[0].finish_reason).toBe("length");
    const counted = await eventsOf(
      await world.chat(org.key, { stream: true, max_tokens: 6, stream_options: { include_usage: true } }),
    );
    expect(JSON.parse(counted.at(-2) ?? "")).toMatchObject({ choices: [], usage: { completion_tokens: 6 } });
  });

  test("keys are taken from x-api-key and api-key as well", async () => {
    const org = await world.newOrg();
    for (const header of ["x-api-key", "api-key"]) {
      const response = await fetch(`${world.place.edge}/v1/models`, { headers: { [header]: org.key } });
      expect(response.status).toBe(200);
    }
  });

  test("browsers may call /v1 without credentials and read our headers", async () => {
    const asked = await fetch(`${world.place.edge}/v1/chat/completions`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-origin")).toBe("*");
    expect(asked.headers.get("access-control-allow-headers")).toContain("authorization");
    expect(asked.headers.get("access-control-allow-credentials")).toBeNull();
  });

  test("/health counts nodes and names none", async () => {
    const response = await fetch(`${world.place.edge}/health`);
    expect(await response.json()).toEqual({
      status: "healthy",
      backends: { chat: 2, text2sql: 2, embed: 2, rerank: 2, whisper: 2, tts: 2, image: 2 },
    });
  });
});
