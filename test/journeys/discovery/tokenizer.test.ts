import { describe, expect, inject, test } from "vitest";
import { scoredTokensMax } from "#edge/limits.ts";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
const messages = [{ role: "user", content: "Count the words of this, please." }];
const chatId = "Qwen/Qwen2.5-7B-Instruct";

async function ask(path: string, key: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await world.post(path, key, body, headers);
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer whose shape is what the journey asserts
  return { status: response.status, body: (await response.json()) as any, headers: response.headers };
}

async function describeTokenizer(key: string, path = "/v1/tokenizer_info?model=chat") {
  const response = await fetch(world.place.edge + path, { headers: { authorization: `Bearer ${key}` } });
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  return { status: response.status, body: (await response.json()) as any };
}

describe("the tokens of a text", () => {
  test("are vLLM's answer, with and without /v1, and their text is the text again", async () => {
    const { key } = await world.newOrg();
    const prompt = "Hello world é 🙂";
    for (const path of ["/v1/tokenize", "/tokenize"]) {
      const { status, body } = await ask(path, key, { model: "chat", prompt, return_token_strs: true });
      expect(status).toBe(200);
      expect(body).toMatchObject({ count: body.tokens.length, max_model_len: 131_072 });
      expect(body.token_strs).toHaveLength(body.count);
      const plain = path.replace("tokenize", "detokenize");
      expect(await ask(plain, key, { model: "chat", tokens: body.tokens })).toMatchObject({
        status: 200,
        body: { prompt },
      });
    }
    expect((await ask("/v1/tokenize", key, { model: "embed", prompt })).body).toMatchObject({
      max_model_len: 512,
      token_strs: null,
    });
  });

  // What measures a text's likelihood does this: tokens from here, scored there.
  test("can be sent back, as the prompt of a completion that scores them", async () => {
    const { key } = await world.newOrg();
    const prompt = `Hello world é 🙂${" river".repeat(2_000)}`;
    const { tokens: all } = (await ask("/v1/tokenize", key, { model: "chat", prompt })).body;
    // As many as may be scored.
    const tokens = all.slice(0, scoredTokensMax);
    const scored = { model: "chat", prompt: [tokens], echo: true, logprobs: 1, max_tokens: 1 };
    const { status, body } = await ask("/v1/completions", key, scored);
    expect([status, body.usage?.prompt_tokens]).toEqual([200, tokens.length]);
    expect(body.choices[0].logprobs.token_logprobs).toHaveLength(tokens.length + 1);
  });

  test("of a chat are what the call itself is billed", async () => {
    const org = await world.newOrg();
    const { body } = await ask("/v1/tokenize", org.key, { model: "chat", messages });
    const called = await (await world.chat(org.key, { messages, max_tokens: 2 })).json();
    expect(called).toMatchObject({ usage: { prompt_tokens: body.count } });
    const open = await ask("/v1/tokenize", org.key, { model: "chat", messages, add_generation_prompt: false });
    expect(open.body.count).toBeLessThan(body.count);
  });

  test.each([
    [{ prompt: "x" }, "model"],
    [{ model: "chat" }, "prompt"],
    [{ model: "chat", prompt: ["x"] }, "prompt"],
    [{ model: "chat", prompt: "x", add_special_tokens: "yes" }, "add_special_tokens"],
    [{ model: "chat", messages: [{ role: "user", content: 7 }] }, "messages[0].content"],
    [{ model: "chat", messages, return_token_strs: 1 }, "return_token_strs"],
    [{ model: "chat", messages, documents: [{ text: "x" }] }, "documents"],
  ])("of %j are refused by the member's name", async (sent, param) => {
    const { key } = await world.newOrg();
    const { status, body } = await ask("/v1/tokenize", key, sent);
    expect([status, body.error.param]).toEqual([400, param]);
  });

  test("are counted for a mebibyte at most", async () => {
    const { key } = await world.newOrg();
    expect((await ask("/v1/tokenize", key, { model: "chat", prompt: "x".repeat(2 ** 20) })).status).toBe(413);
  });
});

describe("counting before a call", () => {
  test("is Anthropic's answer for a message, and what the prompt is billed", async () => {
    const org = await world.newOrg();
    const counted = await ask("/v1/messages/count_tokens", org.key, { model: "chat", messages });
    const called = await (await world.chat(org.key, { messages, max_tokens: 2 })).json();
    expect([counted.status, Object.keys(counted.body)]).toEqual([200, ["input_tokens"]]);
    expect(called).toMatchObject({ usage: { prompt_tokens: counted.body.input_tokens } });
  });

  test("is OpenAI's for a response", async () => {
    const { key } = await world.newOrg();
    const { status, body } = await ask("/v1/responses/input_tokens", key, { model: "chat", input: "Say hello." });
    expect([status, body]).toEqual([200, { object: "response.input_tokens", input_tokens: expect.any(Number) }]);
    expect(body.input_tokens).toBeGreaterThan(3);
  });
});

describe("lm-eval's remote tokenizer", () => {
  test("finds what it asks for, with a key for one model and no model named", async () => {
    const org = await world.newOrg();
    const { secret: key } = await world.newKey(org.id, { models: ["chat"] });
    const { status, body } = await describeTokenizer(key, "/tokenizer_info");
    expect([status, body.eos_token, body.pad_token]).toEqual([200, "<|im_end|>", "<|endoftext|>"]);
    expect(body.chat_template).toContain("add_generation_prompt");
    expect(body).not.toHaveProperty("name_or_path");
    const encoded = await ask("/tokenize", key, { prompt: body.eos_token, add_special_tokens: false });
    expect(encoded.body.tokens).toHaveLength(1);
    expect((await ask("/detokenize", key, { tokens: encoded.body.tokens })).body).toEqual({ prompt: body.eos_token });
  });

  test("with a key for several models is told to name one", async () => {
    const { key } = await world.newOrg();
    expect(await describeTokenizer(key, "/tokenizer_info")).toMatchObject({
      status: 400,
      body: { error: { param: "model" } },
    });
  });
});

describe("counting a call's prompt", () => {
  test("is a call of no tokens: counted in the minute, given back, and not on the bill", async () => {
    const org = await world.newOrg({ requestsPerMinute: 3, tokensPerDay: 1 });
    for (const left of ["2", "1"]) {
      const { status, headers } = await ask("/v1/tokenize", org.key, { model: "chat", messages });
      expect([status, headers.get("x-ratelimit-remaining-requests")]).toEqual([200, left]);
    }
    expect(await world.settled(org.id)).toEqual([]);
    const { windows } = await world.ledger(org.id);
    const find = (name: string) => windows.find(({ window }: { window: string }) => window === name);
    expect(find("requestsPerMinute")).toMatchObject({ remaining: 1 });
    expect(find("concurrency")).toMatchObject({ held: 0 });
    expect(find("tokensPerDay")).toMatchObject({ held: 0, settled: 0 });
    await ask("/v1/tokenize", org.key, { model: "chat", messages });
    expect(await ask("/v1/tokenize", org.key, { model: "chat", messages })).toMatchObject({
      status: 429,
      body: { error: { code: "rate_limit_exceeded" } },
    });
  });

  test("is for whom the endpoint and the model are; of others' models nobody learns", async () => {
    const org = await world.newOrg();
    const embeds = (await world.newKey(org.id, { models: ["embed"] })).secret;
    const hidden = await ask("/v1/tokenize", embeds, { model: "chat", prompt: "x" });
    const missing = await ask("/v1/tokenize", embeds, { model: "none", prompt: "x" });
    expect([hidden.status, missing.status]).toEqual([404, 404]);
    expect(hidden.body.error.message).toBe(missing.body.error.message.replace("none", "chat"));
    const spoiled = await ask("/v1/tokenize", embeds, { model: "chat", messages: [] });
    expect(spoiled.body).toEqual(hidden.body);
    expect((await ask("/v1/detokenize", embeds, { tokens: [1] })).status).toBe(200);
    expect((await describeTokenizer(embeds)).status).toBe(404);
    const narrow = (await world.newKey(org.id, { endpoints: ["embeddings"] })).secret;
    expect(await ask("/v1/tokenize", narrow, { model: chatId, prompt: "x" })).toMatchObject({
      status: 403,
      body: { error: { code: "insufficient_permissions" } },
    });
    expect((await ask("/v1/tokenize", narrow, { model: "embed", prompt: "x" })).status).toBe(200);
    expect((await ask("/v1/tokenize", "sk-pen-x", { model: "embed", prompt: "x" })).status).toBe(401);
  });
});
