import Anthropic from "@anthropic-ai/sdk";
import { describe, expect, inject, test } from "vitest";
import { worldAt, type UsageRowView } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const messages: Anthropic.MessageParam[] = [{ role: "user", content: "Tell me a story" }];
const call = { model: "chat", max_tokens: 12, messages };
/** What the API takes and this SDK's types do not name. */
const certain = { temperature: 0 };
const random = { temperature: 0.5, top_p: 0.9, top_k: 20 };
const weather: Anthropic.Tool = {
  name: "get_weather",
  description: "The weather in a city",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const clientOf = (key: string, options: object = {}) =>
  new Anthropic({ baseURL: world.place.edge, apiKey: key, maxRetries: 0, ...options });
async function newClient() {
  const org = await world.newOrg();
  return { org, client: clientOf(org.key) };
}

/** The call's line on the bill is what its answer says was used. */
function expectBilled(row: UsageRowView | undefined, usage: Anthropic.Usage): void {
  const prompt = usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
  expect(row).toMatchObject({
    endpoint: "messages",
    end: "completed",
    promptTokens: prompt,
    completionTokens: usage.output_tokens,
  });
}

async function thrownBy(work: () => PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(work()).then(
    () => null,
    (thrown: unknown) => thrown,
  );
}

describe("the official Anthropic SDK", () => {
  test("creates a message, and the bill is the usage that it tells", async () => {
    const { org, client } = await newClient();
    const asked = client.messages.create({ ...call, system: "Be brief.", ...random });
    const { data: message, request_id: id } = await asked.withResponse();
    expect(message).toMatchObject({
      id: expect.stringMatching(/^msg_\w{22}$/),
      type: "message",
      role: "assistant",
      model: "Qwen/Qwen2.5-7B-Instruct",
      content: [{ type: "text", text: expect.stringMatching(/./) }],
      stop_reason: expect.stringMatching(/^(end_turn|max_tokens)$/),
      stop_sequence: null,
    });
    expect(id).toMatch(/^req_/);
    const [row, ...others] = await world.settled(org.id);
    expectBilled(row, message.usage);
    expect(others).toEqual([]);
  });

  test("streams the same message by its helper, event for event, and is billed the same", async () => {
    const { org, client } = await newClient();
    const same = { ...call, max_tokens: 30, ...certain };
    const whole = await client.messages.create(same);
    const stream = client.messages.stream(same);
    let text = "";
    stream.on("text", (delta) => (text += delta));
    const message = await stream.finalMessage();
    expect(message.content).toEqual(whole.content);
    expect(message.content).toEqual([{ type: "text", text }]);
    expect([message.stop_reason, message.usage.output_tokens]).toEqual([whole.stop_reason, whole.usage.output_tokens]);
    expect(stream.request_id).toMatch(/^req_/);
    for (const [at, row] of (await world.settled(org.id)).toReversed().entries())
      expectBilled(row, at === 0 ? whole.usage : message.usage);
  });

  test("is told which sequence ended the answer, and what a cache had", async () => {
    const { org, client } = await newClient();
    const free = await client.messages.create({ ...call, max_tokens: 20, ...certain });
    const [block] = free.content;
    const word = block?.type === "text" ? (block.text.trim().split(" ")[1] ?? "") : "";
    expect(word).not.toBe("");
    const stopped = await client.messages.create({ ...call, max_tokens: 20, ...certain, stop_sequences: [word] });
    expect([stopped.stop_reason, stopped.stop_sequence]).toEqual(["stop_sequence", word]);
    const long = "Once upon a time there was a gateway. ".repeat(60);
    for (let turn = 0; turn < 4; turn++) await client.messages.create({ ...call, system: long, max_tokens: 1 });
    const again = await client.messages.create({ ...call, system: long, max_tokens: 1 });
    expect(again.usage.cache_read_input_tokens).toBeGreaterThan(0);
    expectBilled((await world.settled(org.id))[0], again.usage);
  });

  test("goes round with a tool: its call, its result, the answer; whole and streamed", async () => {
    const { client } = await newClient();
    const asked = { ...call, max_tokens: 200, tools: [weather], tool_choice: { type: "any" as const } };
    const streamed = await client.messages.stream(asked).finalMessage();
    for (const first of [await client.messages.create(asked), streamed]) {
      expect(first.stop_reason).toBe("tool_use");
      const used = first.content.find((block) => block.type === "tool_use");
      expect(used).toMatchObject({ name: "get_weather", input: { city: expect.any(String) } });
      const second = await client.messages.create({
        ...call,
        tools: [weather],
        messages: [
          ...messages,
          { role: "assistant", content: first.content },
          { role: "user", content: [{ type: "tool_result", tool_use_id: used?.id ?? "", content: "-3 °C, snow" }] },
        ],
      });
      expect(second.content).toMatchObject([{ type: "text" }]);
    }
    const named = { ...asked, tool_choice: { type: "tool" as const, name: "get_weather" } };
    expect((await client.messages.create(named)).stop_reason).toBe("tool_use");
  });

  test("lets the model go on with an answer that has begun", async () => {
    const { client } = await newClient();
    const begun: Anthropic.MessageParam[] = [...messages, { role: "assistant", content: "Once upon" }];
    const message = await client.messages.create({ ...call, messages: begun });
    expect(message.content).toMatchObject([{ type: "text" }]);
  });

  test("aborts a stream, and pays what was on the wire", async () => {
    const { org, client } = await newClient();
    const long = { ...call, max_tokens: 1_500, ignore_eos: true };
    const stream = client.messages.stream(long);
    stream.on("text", () => stream.abort());
    expect(await thrownBy(() => stream.finalMessage())).toBeInstanceOf(Anthropic.APIUserAbortError);
    const [row] = await world.settled(org.id);
    const [made] = await world.made(String(row?.["hold"]));
    expect(row).toMatchObject({ end: "cancelled", completionTokens: made?.emittedTokens });
  });

  test("reads the limits from their headers, under Anthropic's names, as times", async () => {
    const org = await world.newOrg({ requestsPerMinute: 50 });
    const { response } = await clientOf(org.key).messages.create(call).withResponse();
    expect(response.headers.get("anthropic-ratelimit-requests-limit")).toBe("50");
    expect(response.headers.get("anthropic-ratelimit-requests-remaining")).toBe("49");
    const reset = response.headers.get("anthropic-ratelimit-requests-reset") ?? "";
    expect(reset).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Math.abs(Date.parse(reset) - Date.now())).toBeLessThan(62_000);
    expect(response.headers.get("request-id")).toBe(response.headers.get("x-request-id"));
  });
});

describe("errors are the SDK's own", () => {
  const errorOf = async (work: () => PromiseLike<unknown>) => {
    const thrown = await thrownBy(work);
    if (!(thrown instanceof Anthropic.APIError)) throw new Error("no error of the API");
    return thrown;
  };

  test("a wrong key, an unknown model, and what is wrong with a body", async () => {
    const { client } = await newClient();
    const wrong = await errorOf(() => clientOf("sk-pen-wrong").messages.create(call));
    expect([wrong instanceof Anthropic.AuthenticationError, wrong.type]).toEqual([true, "authentication_error"]);
    const unknown = await errorOf(() => client.messages.create({ ...call, model: "nobody" }));
    expect([unknown instanceof Anthropic.NotFoundError, unknown.type]).toEqual([true, "not_found_error"]);
    const source = { type: "url" as const, url: "https://example.org/a.png" };
    const content: Anthropic.ContentBlockParam[] = [{ type: "image", source }];
    const bad = await errorOf(() =>
      client.messages.create({ ...call, messages: [...messages, { role: "user", content }] }),
    );
    expect(bad).toBeInstanceOf(Anthropic.BadRequestError);
    expect(bad.requestID).toMatch(/^req_/);
    expect(bad.error).toEqual({
      type: "error",
      error: {
        type: "invalid_request_error",
        message: expect.stringMatching(/^'messages\[1\]\.content\[0\]\.source' must have the type 'base64'/),
        param: "messages[1].content[0].source",
        code: "invalid_value",
      },
      request_id: bad.requestID,
    });
    const tools: Anthropic.ToolUnion[] = [{ type: "web_search_20250305", name: "web_search" }];
    expect((await errorOf(() => client.messages.create({ ...call, tools }))).message).toContain("web_search_20250305");
  });

  test("a spent minute says when it opens", async () => {
    const org = await world.newOrg({ requestsPerMinute: 1 });
    await clientOf(org.key).messages.create(call);
    const spent = await errorOf(() => clientOf(org.key).messages.create(call));
    expect([spent instanceof Anthropic.RateLimitError, spent.type]).toEqual([true, "rate_limit_error"]);
    expect(Number(spent.headers?.get("retry-after"))).toBeGreaterThan(0);
    expect(spent.headers?.get("anthropic-ratelimit-requests-remaining")).toBe("0");
  });

  test("a node without room is overloaded, by Anthropic's own status", async () => {
    const { client } = await newClient();
    await world.fault({ kind: "status", status: 503, times: 9, path: "/v1/chat/completions" });
    const thrown = await errorOf(() => client.messages.create(call)).finally(() => world.clearFaults());
    expect([thrown.status, thrown.type, thrown instanceof Anthropic.OverloadedError]).toEqual([
      529,
      "overloaded_error",
      true,
    ]);
  });

  test("a key for one endpoint is refused at the other", async () => {
    const org = await world.newOrg();
    const chats = await world.newKey(org.id, { endpoints: ["chat.completions"] });
    const refused = await errorOf(() => clientOf(chats.secret).messages.create(call));
    expect([refused instanceof Anthropic.PermissionDeniedError, refused.type]).toEqual([true, "permission_error"]);
    const own = await world.newKey(org.id, { endpoints: ["messages"] });
    expect((await clientOf(own.secret).messages.create(call)).type).toBe("message");
    expect((await world.chat(own.secret, { max_tokens: 1 })).status).toBe(403);
  });

  const everywhere: [string, string, object, number][] = [
    ["GET", "/v1/messages", {}, 405],
    ["POST", "/v1/messages/batches", {}, 404],
    ["GET", "/v1/messages/nothing", {}, 404],
    ["GET", "/v1/nothing", { "anthropic-version": "2023-06-01" }, 404],
    ["GET", "/v1/models/nobody", { "anthropic-version": "2023-06-01" }, 404],
    ["POST", "/v1/messages", { "content-encoding": "gzip" }, 415],
    ["POST", "/messages", {}, 400],
    ["POST", "/v1/messages?beta=true", {}, 400],
  ];
  test.each(everywhere)("%s %s with %j", async (method, path, headers, status) => {
    const org = await world.newOrg();
    const response = await fetch(world.place.edge + path, {
      method,
      headers: { "x-api-key": org.key, ...headers },
      ...(method === "POST" && { body: "{}" }),
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      type: "error",
      error: expect.objectContaining({
        type: expect.stringMatching(/_error$/),
        message: expect.any(String),
        code: expect.any(String),
      }),
      request_id: response.headers.get("request-id"),
    });
  });
});
