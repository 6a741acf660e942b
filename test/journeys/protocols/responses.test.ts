import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, streamText, tool } from "ai";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { Response as ResponseSchema, ResponseStreamEvent } from "#edge/protocol/openai/responses/answers.ts";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const model = "Qwen/Qwen2.5-7B-Instruct";

async function newClient() {
  const org = await world.newOrg();
  return { org, openai: new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 }) };
}

/** What vLLM takes and the SDK's types do not know. */
const vllmOnly = { ignore_eos: true };

/** What the bill of an org's only call says, in the words of the Responses API. */
async function readBill(org: string) {
  const [row, ...others] = await world.settled(org);
  expect(others).toEqual([]);
  return { end: row?.end, endpoint: row?.["endpoint"], input: row?.promptTokens, output: row?.completionTokens };
}

const weather = {
  type: "function" as const,
  name: "weather",
  description: "The weather of a city",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  strict: null,
};

describe("the official openai SDK", () => {
  test("creates a response: text, what was asked, and the usage that is billed", async () => {
    const { org, openai } = await newClient();
    const { data, response } = await openai.responses
      .create({
        model: "chat",
        instructions: "Be brief.",
        input: "Tell me a story",
        max_output_tokens: 12,
        temperature: 0.5,
        metadata: { order: "7" },
        user: "somebody",
      })
      .withResponse();
    expect(() => ResponseSchema.parse(data)).not.toThrow();
    expect(data).toMatchObject({
      id: expect.stringMatching(/^resp_[\w-]{22}$/),
      object: "response",
      model,
      instructions: "Be brief.",
      max_output_tokens: 12,
      temperature: 0.5,
      metadata: { order: "7" },
      user: "somebody",
      store: false,
      previous_response_id: null,
    });
    expect(data.output_text.length).toBeGreaterThan(5);
    expect(response.headers.get("x-penstock-tier")).toMatch(/^shared/);
    expect(await readBill(org.id)).toEqual({
      end: "completed",
      endpoint: "responses",
      input: data.usage?.input_tokens,
      output: data.usage?.output_tokens,
    });
    expect(data.usage?.total_tokens).toBe(Number(data.usage?.input_tokens) + Number(data.usage?.output_tokens));
  });

  test("streams through its helper: events in order, and a final response that is billed as it says", async () => {
    const { org, openai } = await newClient();
    const stream = openai.responses.stream({ model: "chat", input: "Tell me a story", max_output_tokens: 20 });
    const types: string[] = [];
    let text = "";
    for await (const event of stream) {
      expect(() => ResponseStreamEvent.parse(event)).not.toThrow();
      expect(event.sequence_number).toBe(types.length);
      types.push(event.type);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    const final = await stream.finalResponse();
    expect([types[0], types[1], types[2]]).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
    ]);
    expect(types.at(-1)).toMatch(/^response\.(completed|incomplete)$/);
    expect(final.output_text).toBe(text);
    expect(await readBill(org.id)).toMatchObject({
      end: "completed",
      input: final.usage?.input_tokens,
      output: final.usage?.output_tokens,
    });
  });

  test("says incomplete where the tokens ran out, whole and streamed", async () => {
    const { openai } = await newClient();
    const asked = { model: "chat", input: "Tell me a story", max_output_tokens: 3, ...vllmOnly };
    const whole = await openai.responses.create(asked);
    const streamed = await openai.responses.stream(asked).finalResponse();
    for (const { status, incomplete_details, usage } of [whole, streamed])
      expect([status, incomplete_details, usage?.output_tokens]).toEqual([
        "incomplete",
        { reason: "max_output_tokens" },
        3,
      ]);
  });

  test("calls a function, hears its output, and answers", async () => {
    const { openai } = await newClient();
    const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: "Weather in Bonn?" }];
    const first = await openai.responses.create({ model: "chat", input, tools: [weather], tool_choice: "required" });
    const call = first.output.find((item) => item.type === "function_call");
    expect(call).toMatchObject({ name: "weather", status: "completed", call_id: expect.any(String) });
    expect(first.tools).toEqual([weather]);
    const output = { type: "function_call_output" as const, call_id: call?.call_id ?? "", output: "sunny" };
    const asSent = first.output.filter((item) => item.type === "function_call");
    const second = await openai.responses.create({
      model: "chat",
      input: [...input, ...asSent, output],
      tools: [weather],
      tool_choice: "none",
    });
    expect(second.output_text).not.toBe("");
    const streamed = await openai.responses
      .stream({ model: "chat", input, tools: [weather], tool_choice: { type: "function", name: "weather" } })
      .finalResponse();
    expect(streamed.output.map(({ type }) => type)).toEqual(["function_call"]);
  });

  test("calls a custom tool with plain text, and one of a namespace by its own name", async () => {
    const { openai } = await newClient();
    const patch = { type: "custom" as const, name: "apply_patch", description: "Changes files" };
    const agents = { type: "namespace" as const, name: "agents", description: "Others", tools: [weather] };
    const called = await openai.responses
      .stream({
        model: "chat",
        input: "Go",
        tools: [patch, agents],
        tool_choice: { type: "custom", name: "apply_patch" },
      })
      .finalResponse();
    const [call] = called.output;
    expect(call).toMatchObject({ type: "custom_tool_call", name: "apply_patch", input: expect.any(String) });
    if (call?.type !== "custom_tool_call") throw new Error("no call");
    expect(call.input).not.toContain('{"input"');
    const output = { type: "custom_tool_call_output" as const, call_id: call.call_id, output: "Done!" };
    const next = await openai.responses.create({
      model: "chat",
      input: [{ role: "user", content: "Go" }, call, output],
      tools: [patch, agents],
      tool_choice: { type: "function", name: "weather" },
    });
    expect(next.output).toMatchObject([{ type: "function_call", name: "weather", namespace: "agents" }]);
  });

  test("parses an answer of a schema", async () => {
    const { openai } = await newClient();
    const Person = z.object({ age: z.int() });
    const parsed = await openai.responses.parse({
      model: "chat",
      input: "A person",
      text: { format: zodTextFormat(Person, "person") },
    });
    expect(parsed.output_parsed).toEqual({ age: expect.any(Number) });
  });

  test("shows log-probabilities where they are asked for", async () => {
    const { openai } = await newClient();
    const { output } = await openai.responses.create({
      model: "chat",
      input: "Hello",
      max_output_tokens: 4,
      top_logprobs: 2,
      include: ["message.output_text.logprobs"],
    });
    const [message] = output;
    const part = message?.type === "message" ? message.content[0] : null;
    const logprobs = part?.type === "output_text" ? part.logprobs : [];
    expect(logprobs?.length).toBeGreaterThan(0);
    expect(logprobs?.[0]?.top_logprobs).toHaveLength(2);
  });

  test("raises its own classes, which name the member as it was sent", async () => {
    const { openai } = await newClient();
    const create = (body: object) =>
      openai.responses.create({ model: "chat", input: "Hello", ...body }).then(
        () => null,
        (error: unknown) => error,
      );
    const cases: [object, string | null, string][] = [
      [{ store: true }, "store", "unsupported_parameter"],
      [{ previous_response_id: "resp_x" }, "previous_response_id", "unsupported_parameter"],
      [{ conversation: "conv_x" }, "conversation", "unsupported_parameter"],
      [{ background: true }, "background", "unsupported_parameter"],
      [{ truncation: "auto" }, "truncation", "unsupported_parameter"],
      [{ prompt: { id: "pmpt_x" } }, "prompt", "unsupported_parameter"],
      [{ tools: [weather, { type: "web_search" }] }, "tools[1].type", "unsupported_parameter"],
      [{ tools: [{ type: "mcp", server_label: "x" }] }, "tools[0].type", "unsupported_parameter"],
      [{ max_output_tokens: 0 }, "max_output_tokens", "invalid_value"],
      [{ max_output_tokens: 10_000_000 }, "max_output_tokens", "context_length_exceeded"],
      [{ max_tokens: 5 }, "max_tokens", "unsupported_parameter"],
      [{ reasoning: { effort: "huge" } }, "reasoning.effort", "invalid_value"],
      [{ input: [{ type: "item_reference", id: "msg_x" }] }, "input[0].type", "unsupported_parameter"],
      [
        { input: [{ role: "user", content: [{ type: "input_image", image_url: "https://x.example/a.png" }] }] },
        "input[0].content[0].image_url",
        "invalid_value",
      ],
      [{ text: { format: { type: "json_schema", name: "x" } } }, "text.format.schema", "invalid_value"],
    ];
    for (const [body, param, code] of cases) {
      const error = await create(body);
      expect(error, JSON.stringify(body)).toBeInstanceOf(OpenAI.APIError);
      expect(error).toMatchObject({ param, code });
    }
    expect(await create({ model: "gpt-none" })).toBeInstanceOf(OpenAI.NotFoundError);
    const stranger = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: "sk-pen-x", maxRetries: 0 });
    await expect(stranger.responses.create({ model: "chat", input: "x" })).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
  });

  test("finds nothing that is stored where nothing is", async () => {
    const { openai } = await newClient();
    const { id } = await openai.responses.create({ model: "chat", input: "Hello", max_output_tokens: 2 });
    const asks = [
      () => openai.responses.retrieve(id),
      () => openai.responses.delete(id),
      () => openai.responses.cancel(id),
      () => openai.responses.inputItems.list(id),
    ];
    for (const ask of asks) {
      const error = await Promise.resolve(ask()).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      expect(error).toMatchObject({ code: "not_found", message: expect.stringContaining(`'${id}' not found`) });
    }
    const bare = await fetch(`${world.place.edge}/v1/responses/${id}`);
    expect(bare.status).toBe(401);
  });

  test("leaves in the middle: the engine is let go, and what it made is billed", async () => {
    const { org, openai } = await newClient();
    const stream = await openai.responses.create({
      model: "chat",
      input: "Tell me a story",
      max_output_tokens: 2_000,
      stream: true,
      ...vllmOnly,
    });
    let deltas = 0;
    for await (const event of stream) if (event.type === "response.output_text.delta" && ++deltas === 5) break;
    const [row] = await world.settled(org.id);
    const [made] = await world.made(String(row?.["hold"]));
    expect(row).toMatchObject({ end: "cancelled", completionTokens: made?.emittedTokens });
    expect(made?.emittedTokens).toBeLessThan(2_000);
  });
});

describe("a key", () => {
  test("that may only chat is refused here, and the other way round", async () => {
    const org = await world.newOrg();
    const chats = await world.newKey(org.id, { endpoints: ["chat.completions"] });
    const responds = await world.newKey(org.id, { endpoints: ["responses"] });
    const respond = (key: string) =>
      world.post("/v1/responses", key, { model: "chat", input: "Hello", max_output_tokens: 2 });
    const chat = (key: string) => world.chat(key, { max_tokens: 2 });
    expect((await respond(responds.secret)).status).toBe(200);
    expect((await chat(chats.secret)).status).toBe(200);
    for (const refused of [await respond(chats.secret), await chat(responds.secret)]) {
      expect(refused.status).toBe(403);
      expect(await refused.json()).toMatchObject({ error: { code: "insufficient_permissions" } });
    }
  });
});

describe("the AI SDK with its default, the Responses API", () => {
  const withTools = {
    weather: tool({
      description: "weather of a city",
      inputSchema: z.object({ city: z.string() }),
      execute: async () => "sunny",
    }),
  };
  /** Nothing is stored here: items must be sent, not their ids. */
  const providerOptions = { openai: { store: false } };

  test("generates, streams and calls tools over several steps", async () => {
    const org = await world.newOrg();
    const provider = createOpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key });
    const whole = await generateText({ model: provider("chat"), prompt: "Hello", maxOutputTokens: 12 });
    expect(whole.text.length).toBeGreaterThan(0);
    expect(whole.usage.outputTokens).toBeLessThanOrEqual(12);
    const streamed = streamText({ model: provider("chat"), prompt: "Hello", maxOutputTokens: 20 });
    let text = "";
    for await (const delta of streamed.textStream) text += delta;
    expect(text.length).toBeGreaterThan(0);
    expect((await streamed.usage).outputTokens).toBeGreaterThan(0);
    const calling = streamText({ model: provider("chat"), prompt: "Go", tools: withTools, toolChoice: "required" });
    expect((await calling.toolCalls).map(({ toolName }) => toolName)).toEqual(["weather"]);
    const used = await generateText({
      model: provider("chat"),
      prompt: "Weather?",
      tools: withTools,
      toolChoice: "required",
      stopWhen: isStepCount(2),
      providerOptions,
    });
    expect(used.steps.flatMap(({ toolCalls }) => toolCalls.map(({ toolName }) => toolName))).toEqual([
      "weather",
      "weather",
    ]);
    const rows = await world.settled(org.id);
    expect(rows.map(({ end, endpoint }) => [end, endpoint])).toEqual(
      Array.from({ length: 5 }, () => ["completed", "responses"]),
    );
  });

  test("goes on with a conversation as its items; by their ids it cannot, and says what to set", async () => {
    const org = await world.newOrg();
    const provider = createOpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key });
    const first = await generateText({ model: provider("chat"), prompt: "Hello", maxOutputTokens: 8 });
    const messages = [
      { role: "user" as const, content: "Hello" },
      ...first.response.messages,
      { role: "user" as const, content: "Go on" },
    ];
    const goOn = (options: object) =>
      generateText({ model: provider("chat"), messages, maxOutputTokens: 8, maxRetries: 0, ...options });
    expect((await goOn({ providerOptions })).text).not.toBe("");
    await expect(goOn({})).rejects.toThrow("'store': false");
  });
});
