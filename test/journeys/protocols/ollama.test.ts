import { Ollama, type Tool } from "ollama";
import { describe, expect, inject, test } from "vitest";
import { worldAt, type Org } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const id = "Qwen/Qwen2.5-7B-Instruct";
const messages = [{ role: "user", content: "Tell me a story" }];
const weather: Tool = {
  type: "function",
  function: {
    name: "weather",
    description: "The weather in a city",
    parameters: { type: "object", required: ["city"], properties: { city: { type: "string" } } },
  },
};

const openClient = (key: string) => new Ollama({ host: world.place.edge, headers: { authorization: `Bearer ${key}` } });

async function newClient(): Promise<{ org: Org; ollama: Ollama }> {
  const org = await world.newOrg();
  return { org, ollama: openClient(org.key) };
}

/** Every answer's counts are those of its line of the bill. */
async function expectBill(org: Org, ...counts: { prompt_eval_count: number; eval_count: number }[]): Promise<void> {
  const rows = await world.settled(org.id);
  const billed = rows.map(({ promptTokens, completionTokens }) => `${promptTokens} ${completionTokens}`);
  expect(billed.toSorted()).toEqual(
    counts.map(({ prompt_eval_count: prompt, eval_count: made }) => `${prompt} ${made}`).toSorted(),
  );
}

/** Reads a stream's parts; `last` is the one that says it is done. */
async function readAll<Part extends { done: boolean }>(
  stream: AsyncIterable<Part>,
): Promise<{ parts: Part[]; last: Part }> {
  const parts: Part[] = [];
  for await (const part of stream) parts.push(part);
  const last = parts.at(-1);
  if (!last) throw new RangeError("no part");
  return { parts, last };
}

describe("the official ollama client chats", () => {
  test("whole, by a name with a tag, and the bill is what the answer counts", async () => {
    const { org, ollama } = await newClient();
    const answer = await ollama.chat({ model: "chat:latest", messages, options: { num_predict: 9, temperature: 0 } });
    expect(answer).toMatchObject({ model: id, done: true, message: { role: "assistant" }, load_duration: 0 });
    expect(answer.message.content.length).toBeGreaterThan(0);
    expect(["stop", "length"]).toContain(answer.done_reason);
    expect(new Date(answer.created_at).getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(answer.total_duration).toBeGreaterThan(0);
    expect(answer.prompt_eval_duration + answer.eval_duration).toBe(answer.total_duration);
    await expectBill(org, answer);
    expect(await world.usage(org.id)).toMatchObject([{ endpoint: "ollama.chat", end: "completed", model: id }]);
  });

  test("as a stream, whose text and counts are those of the whole answer", async () => {
    const { org, ollama } = await newClient();
    const asking = { model: id, messages, options: { num_predict: 12, temperature: 0, seed: 3 } };
    const whole = await ollama.chat(asking);
    const { parts, last } = await readAll(await ollama.chat({ ...asking, stream: true }));
    expect(parts.map(({ message }) => message.content).join("")).toBe(whole.message.content);
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.slice(0, -1).every(({ done }) => !done)).toBe(true);
    expect(last).toMatchObject({
      done: true,
      done_reason: whole.done_reason,
      prompt_eval_count: whole.prompt_eval_count,
      eval_count: whole.eval_count,
    });
    await expectBill(org, whole, last);
  });

  test("with tools: the call comes whole, and its answer goes back by the tool's name", async () => {
    const { org, ollama } = await newClient();
    const asking = { model: "chat", messages, tools: [weather] };
    const first = await ollama.chat({ ...asking, options: { num_predict: 200 } });
    const streamed = await readAll(await ollama.chat({ ...asking, stream: true }));
    const called = [{ function: { name: "weather", arguments: { city: expect.any(String) } } }];
    expect(first.message.tool_calls).toMatchObject(called);
    expect(streamed.parts.flatMap(({ message }) => message.tool_calls ?? [])).toMatchObject(called);
    expect([first.done_reason, streamed.last.done_reason]).toEqual(["stop", "stop"]);
    const answered = await ollama.chat({
      model: "chat",
      options: { num_predict: 8 },
      tools: [weather],
      messages: [
        ...messages,
        {
          role: "assistant",
          content: "",
          tool_calls: [{ function: { name: "weather", arguments: { city: "Oslo" } } }],
        },
        { role: "tool", tool_name: "weather", content: "-3 °C" },
      ],
    });
    expect(answered.done).toBe(true);
    await expectBill(org, first, streamed.last, answered);
  });

  test("in the form of a schema, or of any JSON", async () => {
    const { ollama } = await newClient();
    const schema = { type: "object", properties: { age: { type: "integer" } }, required: ["age"] };
    const answer = await ollama.chat({ model: "chat", messages, format: schema });
    expect(JSON.parse(answer.message.content)).toEqual({ age: expect.any(Number) });
    const free = await ollama.chat({ model: "chat", messages, format: "json" });
    expect(() => JSON.parse(free.message.content)).not.toThrow();
  });

  test("and stops a stream that it aborts, which is billed for what was made", async () => {
    const { org, ollama } = await newClient();
    const stream = await ollama.chat({ model: "chat", messages, stream: true, options: { num_predict: 2_000 } });
    await expect(async () => {
      for await (const part of stream) if (part.message.content !== "") stream.abort();
    }).rejects.toThrow();
    const [row] = await world.settled(org.id);
    const [made] = await world.made(String(row?.hold));
    expect(row).toMatchObject({ end: "cancelled", completionTokens: made?.emittedTokens });
  });
});

describe("the official ollama client generates", () => {
  test("whole and streamed, with a system prompt", async () => {
    const { org, ollama } = await newClient();
    const asking = { model: "chat", prompt: "Hello", system: "Be brief.", options: { num_predict: 6, temperature: 0 } };
    const whole = await ollama.generate(asking);
    const { parts, last } = await readAll(await ollama.generate({ ...asking, stream: true }));
    expect(parts.map(({ response }) => response).join("")).toBe(whole.response);
    expect(whole.response?.length).toBeGreaterThan(0);
    await expectBill(org, whole, last);
  });

  test("nothing for an empty prompt: the model is there, no engine is asked and nothing is billed", async () => {
    const { org, ollama } = await newClient();
    const loaded = await ollama.generate({ model: "chat", prompt: "" });
    expect(loaded).toMatchObject({ model: id, response: "", done: true, done_reason: "load" });
    const streamed = await readAll(await ollama.generate({ model: "chat", prompt: "", stream: true, keep_alive: 0 }));
    expect(streamed.last).toMatchObject({ done: true, done_reason: "unload" });
    expect(await ollama.chat({ model: "chat" })).toMatchObject({ done_reason: "load", message: { content: "" } });
    expect(await world.settled(org.id)).toEqual([]);
    const narrow = openClient((await world.newKey(org.id, { models: ["embed"] })).secret);
    await expect(narrow.generate({ model: "chat", prompt: "" })).rejects.toMatchObject({ status_code: 404 });
    await expect(openClient("x").generate({ model: "chat", prompt: "" })).rejects.toMatchObject({ status_code: 401 });
  });
});

describe("the official ollama client embeds", () => {
  test("texts, one text, and a prompt as older clients do", async () => {
    const { org, ollama } = await newClient();
    const two = await ollama.embed({ model: "embed", input: ["one", "two"] });
    expect(two.embeddings).toHaveLength(2);
    const one = await ollama.embed({ model: "embed:latest", input: "one", truncate: false });
    expect(one.embeddings).toEqual(two.embeddings.slice(0, 1));
    const old = await ollama.embeddings({ model: "embed", prompt: "one" });
    expect(old).toEqual({ embedding: one.embeddings[0] });
    const rows = await world.settled(org.id);
    expect(rows.map(({ endpoint }) => endpoint)).toEqual(["ollama.embed", "ollama.embed", "ollama.embed"]);
    const billed = rows.map(({ promptTokens }) => promptTokens).toSorted();
    expect(billed).toEqual([one, one, two].map(({ prompt_eval_count }) => prompt_eval_count).toSorted());
  });
});

describe("the official ollama client asks what there is", () => {
  test("lists, shows and sees the models that its key may use", async () => {
    const { org, ollama } = await newClient();
    const { models } = await ollama.list();
    expect(models.map(({ name }) => name)).toEqual([
      id,
      "Snowflake/Arctic-Text2SQL-R1-7B",
      "Snowflake/snowflake-arctic-embed-m-v1.5",
    ]);
    expect(models[0]).toMatchObject({ model: id, size: 0, details: { family: "", quantization_level: "" } });
    expect(models[0]?.digest).toMatch(/^[0-9a-f]{64}$/);
    const running = await ollama.ps();
    expect(running.models.map(({ name }) => name)).toEqual(models.map(({ name }) => name));
    const shown = await ollama.show({ model: "chat:latest" });
    expect(shown).toMatchObject({ capabilities: ["completion", "tools"], template: "" });
    expect(shown.model_info).toHaveProperty(["unknown.context_length"], 131_072);
    expect((await ollama.show({ model: "embed" })).capabilities).toEqual(["embedding"]);
    const narrow = openClient((await world.newKey(org.id, { models: ["embed"] })).secret);
    expect((await narrow.list()).models.map(({ name }) => name)).toEqual(["Snowflake/snowflake-arctic-embed-m-v1.5"]);
    await expect(narrow.show({ model: "chat" })).rejects.toMatchObject({ status_code: 404 });
  });

  test("the version, without a key", async () => {
    const { version } = await new Ollama({ host: world.place.edge }).version();
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("and is told that it may not change which models there are", async () => {
    const { ollama } = await newClient();
    const sayings = [
      () => ollama.pull({ model: "llama3" }),
      () => ollama.push({ model: "llama3" }),
      () => ollama.create({ model: "x", from: "chat" }),
      () => ollama.copy({ source: "chat", destination: "x" }),
      () => ollama.delete({ model: "chat" }),
    ];
    for (const say of sayings)
      await expect(say()).rejects.toMatchObject({ status_code: 405, message: expect.stringContaining("gateway") });
  });
});

describe("the official ollama client is refused", () => {
  test("with the text of the refusal, and the member by its own name", async () => {
    const { ollama } = await newClient();
    const table: [object, number, string][] = [
      [{ model: "nobody", messages }, 404, "'nobody'"],
      [{ model: "chat", messages, options: { temperature: 9 } }, 400, "'options.temperature'"],
      [{ model: "chat", messages, options: { num_predict: 999_999 } }, 400, "maximum context length"],
      [{ model: "chat", messages, temperature: 0.5 }, 400, "'options'"],
      [
        { model: "chat", messages: [{ role: "user", content: "x", images: ["/9j/AAAA"] }] },
        400,
        "this model takes text",
      ],
      [{ model: "chat", messages: [{ role: "king", content: "x" }] }, 400, "'messages[0].role'"],
      [{ model: "embed", messages }, 400, "does not serve"],
    ];
    for (const [body, status, text] of table) {
      const refused = await world.post("/api/chat", (await world.newOrg()).key, body);
      expect([refused.status, (await refused.json()).error]).toEqual([status, expect.stringContaining(text)]);
    }
    await expect(ollama.generate({ model: "chat", prompt: "x", suffix: "y" })).rejects.toThrow("'suffix'");
    await expect(ollama.generate({ model: "chat", prompt: "x", raw: true })).rejects.toThrow("'raw'");
    await expect(openClient("x").list()).rejects.toMatchObject({ status_code: 401 });
  });

  test("at each door by itself: a key for one of the protocols is none for the other", async () => {
    const { org } = await newClient();
    const ofOpenai = await world.newKey(org.id, { endpoints: ["chat.completions"] });
    const ofOllama = await world.newKey(org.id, { endpoints: ["ollama.chat"] });
    await expect(openClient(ofOpenai.secret).chat({ model: "chat", messages })).rejects.toMatchObject({
      status_code: 403,
    });
    expect((await world.chat(ofOllama.secret, { max_tokens: 1 })).status).toBe(403);
    const ollama = openClient(ofOllama.secret);
    expect((await ollama.chat({ model: "chat", messages, options: { num_predict: 2 } })).done).toBe(true);
    await expect(ollama.generate({ model: "chat", prompt: "x" })).rejects.toMatchObject({ status_code: 403 });
    await expect(ollama.list()).rejects.toMatchObject({ status_code: 403 });
  });

  test("by nodes and engines too: what they refuse is called by its own name", async () => {
    const { org } = await newClient();
    for (const stream of [false, true]) {
      const body = { model: "chat", prompt: "word ".repeat(200_000), stream };
      const response = await world.post("/api/generate", org.key, body);
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { code: "context_length_exceeded", param: "prompt" },
      ]);
    }
  });

  test("and hears which members nobody knows", async () => {
    const { org } = await newClient();
    const body = { model: "chat", stream: false, strange: 1, options: { odd: 1, num_predict: 1 }, messages };
    const response = await world.post("/api/chat", org.key, body);
    expect(response.headers.get("x-penstock-ignored")).toBe("strange,options.odd");
  });
});
