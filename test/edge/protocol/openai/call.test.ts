import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { callMsMax } from "#edge/limits.ts";
import type { EngineEndpoint } from "#edge/agreements/paths.ts";
import { readCall } from "#edge/protocol/openai/call.ts";
import { withheld } from "#edge/protocol/openai/members/shared.ts";
import { chatModel, embeddingModel, modelOf, sqlModel, testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const messages = [{ role: "user", content: "hi" }];
const bodies: Partial<Record<EngineEndpoint, Record<string, unknown>>> = {
  "chat.completions": { model: "chat", messages },
  text2sql: { messages },
  completions: { model: "chat", prompt: "hi" },
  embeddings: { model: "embed", input: "hi" },
};
const endpoints = Object.keys(bodies) as EngineEndpoint[];
const read = (
  endpoint: EngineEndpoint,
  over: Record<string, unknown> = {},
  headers: Record<string, string> = {},
  models = testModels,
) => readCall(visitOf(posted({ ...bodies[endpoint], ...over }, headers)), endpoint, models);
const chat = (over: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  read("chat.completions", over, headers);

describe("models", () => {
  test("an alias is written for the origin as the model's own name", async () => {
    expect((await chat()).body.model).toBe(chatModel.id);
    expect((await chat({ model: chatModel.id })).model).toBe(chatModel);
    expect((await read("embeddings")).body.model).toBe(embeddingModel.id);
  });

  test("text2sql takes the first model that serves it when the caller names none, or null", async () => {
    const call = await read("text2sql");
    expect([call.model, call.path, call.endpoint, call.body.model]).toEqual([
      sqlModel,
      "/v1/chat/completions",
      "text2sql",
      sqlModel.id,
    ]);
    expect((await read("text2sql", { model: null })).model).toBe(sqlModel);
    await expectRefusal(() => read("text2sql", {}, {}, [chatModel]), "model_not_found", "model");
  });

  test("an unknown model is 404, one that does not serve the endpoint is 400", async () => {
    for (const model of ["gpt-4", "Chat", "chat ", "__proto__", "constructor"])
      expect((await expectRefusal(() => chat({ model }), "model_not_found", "model")).status).toBe(404);
    await expectRefusal(() => chat({ model: "embed" }), "invalid_value", "model");
    await expectRefusal(() => read("text2sql", { model: "chat" }), "invalid_value", "model");
    await expectRefusal(() => read("embeddings", { model: "chat" }), "invalid_value", "model");
  });
});

describe("how many sequences a call may have", () => {
  const prompt = (count: number) => Array.from({ length: count }, () => "a");

  test("is 64, prompts times choices, and the member to lower is named", async () => {
    expect(await read("completions", { prompt: prompt(8), n: 8 })).toMatchObject({ prompts: 8, choices: 64 });
    expect(await read("embeddings", { input: prompt(2_048) })).toMatchObject({ prompts: 2_048, choices: 0 });
    await expectRefusal(() => read("completions", { prompt: prompt(9), n: 8 }), "invalid_value", "n");
    await expectRefusal(() => read("completions", { prompt: prompt(65) }), "invalid_value", "prompt");
  });

  test("is less where the model's record says so", async () => {
    const models = [modelOf({ sequencesMax: 2 })];
    expect(await read("chat.completions", { n: 2 }, {}, models)).toMatchObject({ prompts: 1, choices: 2 });
    await expectRefusal(() => read("chat.completions", { n: 3 }, {}, models), "invalid_value", "n");
    await expectRefusal(() => read("completions", { prompt: prompt(3) }, {}, models), "invalid_value", "prompt");
  });
});

describe("how many tokens may be made", () => {
  test("max_completion_tokens wins over max_tokens, and only max_tokens goes to the origin", async () => {
    const table: [Record<string, unknown>, number, boolean][] = [
      [{}, 2_048, true],
      [{ max_tokens: null, max_completion_tokens: null }, 2_048, true],
      [{ max_tokens: 7 }, 7, false],
      [{ max_completion_tokens: 9 }, 9, false],
      [{ max_tokens: 7, max_completion_tokens: 9 }, 9, false],
      [{ max_tokens: 9, max_completion_tokens: 7 }, 7, false],
      [{ max_tokens: 7, max_completion_tokens: null }, 7, false],
      [{ max_tokens: 8_192 }, 8_192, false],
    ];
    for (const [over, tokens, isDefaultMax] of table) {
      const call = await chat(over);
      expect([call.completionTokens, call.isDefaultMax, call.body.max_tokens], JSON.stringify(over)).toEqual([
        tokens,
        isDefaultMax,
        tokens,
      ]);
      expect(call.body).not.toHaveProperty("max_completion_tokens");
    }
  });

  test("the default never exceeds a small model's context", async () => {
    const small = modelOf({ contextTokensMax: 1_024 });
    expect((await read("chat.completions", {}, {}, [small])).completionTokens).toBe(1_024);
  });

  test("completions default to 16 tokens, embeddings to none", async () => {
    for (const over of [{}, { max_tokens: null }]) expect((await read("completions", over)).body.max_tokens).toBe(16);
    const call = await read("embeddings");
    expect([call.completionTokens, call.choices]).toEqual([0, 0]);
    expect(call.body).not.toHaveProperty("max_tokens");
  });

  test("more than the context is refused before any GPU work, naming the field at fault", async () => {
    const { details } = await expectRefusal(() => chat({ max_tokens: 8_193 }), "context_length_exceeded", "max_tokens");
    expect(details.message).toBe(
      "This model's maximum context length is 8192 tokens. However, you requested 8193 tokens in the completion " +
        "alone. Please reduce the length of the completion.",
    );
    await expectRefusal(() => read("completions", { max_tokens: 8_193 }), "context_length_exceeded", "max_tokens");
    await expectRefusal(
      () => chat({ max_completion_tokens: 2 ** 53 - 1 }),
      "context_length_exceeded",
      "max_completion_tokens",
    );
  });

  test("a chat's members go to no other endpoint: an engine could read another prompt in them", async () => {
    const stray = {
      messages,
      documents: [{ text: "x" }],
      tools: [{ type: "function", function: { name: "f" } }],
      chat_template_kwargs: { enable_thinking: false },
    };
    for (const endpoint of ["completions", "embeddings"] as const) {
      const { body } = await read(endpoint, stray);
      for (const name of Object.keys(stray)) expect(body, endpoint).not.toHaveProperty(name);
    }
    expect((await chat(stray)).body).toMatchObject(stray);
  });

  test("tools are part of the prompt, in the estimate as in the bound", async () => {
    const tools = Array.from({ length: 40 }, (_, at) => ({
      type: "function",
      function: { name: `get_weather_${at}`, parameters: { type: "object", properties: { city: { type: "string" } } } },
    }));
    const [plain, tooled] = [await chat({}), await chat({ tools })];
    const more = tooled.promptTokensGuess - plain.promptTokensGuess;
    expect(more).toBeGreaterThan(JSON.stringify(tools).length / 6);
    expect(more).toBeLessThan(tooled.promptTokensMax - plain.promptTokensMax);
  });

  test("choices are n times prompts", async () => {
    const table: [EngineEndpoint, Record<string, unknown>, number][] = [
      ["chat.completions", {}, 1],
      ["chat.completions", { n: null }, 1],
      ["chat.completions", { n: 8 }, 8],
      ["completions", { prompt: ["a", "b", "c"], n: 2 }, 6],
      ["completions", { prompt: [1, 2, 3], n: 2 }, 2],
      ["completions", { prompt: [[1], [2]], n: null }, 2],
    ];
    for (const [endpoint, over, choices] of table)
      expect((await read(endpoint, over)).choices, JSON.stringify(over)).toBe(choices);
  });

  test("max_tokens of 0 is for scoring a prompt: with echo alone, in completions alone", async () => {
    const call = await read("completions", { max_tokens: 0, echo: true, logprobs: 1 });
    expect([call.completionTokens, call.body.max_tokens, call.body.echo, call.isDefaultMax]).toEqual([
      0,
      0,
      true,
      false,
    ]);
    for (const echo of [false, null, undefined])
      await expectRefusal(() => read("completions", { max_tokens: 0, echo }), "invalid_value", "max_tokens");
    await expectRefusal(() => chat({ max_tokens: 0, echo: true }), "invalid_value", "max_tokens");
  });

  test("more token ids than the model takes are refused before any GPU work, each prompt by itself", async () => {
    const small = [modelOf({ contextTokensMax: 64 }), { ...embeddingModel, contextTokensMax: 64 }];
    const ids = (count: number) => Array<number>(count).fill(7);
    const over: [EngineEndpoint, unknown, string][] = [
      ["embeddings", ids(65), "input"],
      ["embeddings", [ids(64), ids(65)], "input[1]"],
      ["completions", ids(64), "prompt"],
      ["completions", [ids(1), ids(64)], "prompt[1]"],
    ];
    for (const [endpoint, value, param] of over) {
      const body = { [endpoint === "completions" ? "prompt" : "input"]: value };
      const refusal = await expectRefusal(() => read(endpoint, body, {}, small), "context_length_exceeded", param);
      // Of several prompts the one at fault is named; a single one needs no name.
      expect(refusal.details.message?.includes(`'${param}'`)).toBe(param.endsWith("]"));
      expect(refusal.details.message).toContain("This model's maximum context length is 64 tokens, however you");
      const cut = { ...body, truncate_prompt_tokens: 10 };
      if (endpoint === "embeddings") await read(endpoint, cut, {}, small);
      else await expectRefusal(() => read(endpoint, cut, {}, small), "unsupported_parameter", "truncate_prompt_tokens");
    }
    for (const value of [ids(64), [ids(64), ids(64)], ["x".repeat(1_000), "y"]])
      await read("embeddings", { input: value }, {}, small);
    await read("completions", { prompt: ids(63) }, {}, small);
  });

  const numeric = [
    "n",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "top_logprobs",
  ];
  test("no hostile number becomes a count: text, halves, infinities and 2^53 are refused by name", async () => {
    const hostile = ['"1e3"', '"16"', "[16]", '{"valueOf":16}', "true", "1e400", "-1e400", '"NaN"', '"١٦"'];
    const whole = ["1.5", "9007199254740992", "-9007199254740992"];
    for (const name of numeric) {
      const isWhole = ["n", "max_tokens", "max_completion_tokens", "top_k", "seed", "top_logprobs"].includes(name);
      for (const value of isWhole ? [...hostile, ...whole] : hostile) {
        const start = '{"model":"chat","logprobs":true,"messages":[{"role":"user","content":"hi"}]';
        const text = `${start},${JSON.stringify(name)}:${value}}`;
        await expectRefusal(
          () => readCall(visitOf(posted(text)), "chat.completions", testModels),
          "invalid_value",
          name,
        );
      }
    }
    for (const value of ["-0", "0", "-1"]) {
      const text = `{"model":"chat","messages":[{"role":"user","content":"hi"}],"max_tokens":${value}}`;
      await expectRefusal(
        () => readCall(visitOf(posted(text)), "chat.completions", testModels),
        "invalid_value",
        "max_tokens",
      );
    }
  });

  test("a member hidden under __proto__ or sent twice changes no count unvalidated", async () => {
    const text =
      '{"model":"chat","messages":[{"role":"user","content":"hi"}],"max_tokens":5,"max_tokens":6,' +
      '"__proto__":{"n":-5,"max_completion_tokens":"1e3"}}';
    const call = await readCall(visitOf(posted(text)), "chat.completions", testModels);
    expect([call.choices, call.completionTokens, call.body.max_tokens]).toEqual([1, 6, 6]);
  });
});

describe("what is written for the origin", () => {
  test("has nothing of what the origin sets, of what is null, and of what nobody knows; that is named", async () => {
    for (const endpoint of endpoints) {
      const stray = Object.fromEntries(Object.keys(withheld).map((name) => [name, "CANARY"]));
      const call = await read(endpoint, { ...stray, brand_new_field: { a: ["CANARY"] }, nothing: null, user: null });
      expect(JSON.stringify(call.body), endpoint).not.toContain("CANARY");
      expect(call.ignored.headers).toEqual({ "x-penstock-ignored": "brand_new_field" });
      expect(Object.values(call.body)).not.toContain(null);
    }
  });

  test("keeps the digits of every number that is not ours to read, and bounds the prompt by them", async () => {
    const digits = "9".repeat(250);
    const schema = `{"const":2512292042121000001,"maximum":9223372036854775807,"x":[1e400,-0,1.10,${digits}]}`;
    const tools = `[{"type":"function","function":{"name":"f","parameters":${schema}}}]`;
    const hi = `"messages":[{"role":"user","content":"hi"}]`;
    const text = `{"model":"chat",${hi},"max_tokens":5.0,"tools":${tools},"temperature":1.0}`;
    const call = await readCall(visitOf(posted(text)), "chat.completions", testModels);
    expect(JSON.stringify(call.body)).toContain(`"tools":${tools}`);
    expect(call.body.max_tokens).toBe(5);
    expect(call.promptTokensMax).toBeGreaterThan(2 * tools.length);
    const long = text.replace(digits, "9".repeat(257));
    await expectRefusal(() => readCall(visitOf(posted(long)), "chat.completions", testModels), "invalid_value");
  });

  test("does not let a schema grow by digits: 1e400 counts as it is written", async () => {
    const numbers = Array(200).fill("9".repeat(250)).join();
    const format = `{"type":"json_schema","json_schema":{"name":"s","schema":{"enum":[${numbers}]}}}`;
    const text = `{"model":"chat","messages":[{"role":"user","content":"hi"}],"response_format":${format}}`;
    await expectRefusal(
      () => readCall(visitOf(posted(text)), "chat.completions", testModels),
      "invalid_value",
      "response_format",
    );
  });

  test("carries nothing of the caller's headers", async () => {
    const canary = {
      cookie: "CANARY",
      "x-forwarded-for": "CANARY",
      "x-data-parallel-rank": "CANARY",
      traceparent: "CANARY",
      "idempotency-key": "CANARY",
      "openai-organization": "CANARY",
    };
    for (const endpoint of endpoints)
      expect(JSON.stringify(await read(endpoint, {}, canary)), endpoint).not.toContain("CANARY");
  });

  test("holds only what was counted: vLLM would read an embeddings call with `messages` as a chat", async () => {
    const call = await read("embeddings", { messages: [{ role: "user", content: "x".repeat(10_000) }] }).catch(
      () => null,
    );
    expect(call?.body ?? {}).not.toHaveProperty("messages");
  });

  test("refuses guided_* and media that would be fetched, on every chat-shaped path", async () => {
    for (const endpoint of endpoints)
      await expectRefusal(
        () => read(endpoint, { guided_json: { type: "object" } }),
        "unsupported_parameter",
        "guided_json",
      );
    const remote = [{ role: "user", content: [{ type: "image_url", image_url: { url: "http://169.254.169.254/" } }] }];
    for (const endpoint of ["chat.completions", "text2sql"] as const)
      await expectRefusal(
        () => read(endpoint, { messages: remote }),
        "invalid_value",
        "messages[0].content[0].image_url.url",
      );
  });

  test("options of a stream need a stream, and top_logprobs need logprobs", async () => {
    for (const endpoint of ["chat.completions", "completions"] as const) {
      await expectRefusal(
        () => read(endpoint, { stream_options: { include_usage: true } }),
        "invalid_value",
        "stream_options",
      );
      expect((await read(endpoint, { stream: false, stream_options: {} })).isStream).toBe(false);
      expect((await read(endpoint, { stream: true, stream_options: { include_usage: true } })).isStream).toBe(true);
    }
    await expectRefusal(() => chat({ top_logprobs: 2 }), "invalid_value", "top_logprobs");
    expect((await chat({ top_logprobs: 2, logprobs: true })).body.top_logprobs).toBe(2);
  });
});

test("a call ends when its caller has waited long enough, counted from the moment that it came", async () => {
  const call = await chat({}, { "x-penstock-timeout-ms": "5000" });
  expect(call.timeout).toEqual({ ms: 5_000, header: "x-penstock-timeout-ms" });
  expect(call.deadlineMs).toBe(startedAtMs + 5_000);
  expect((await chat()).deadlineMs).toBe(startedAtMs + callMsMax);
  expect((await chat({ stream: true }, { "x-stainless-timeout": "5" })).deadlineMs).toBe(startedAtMs + callMsMax);
});

describe("options in headers", () => {
  test("x-penstock-clamp is 'true', 'false' or nothing; what is neither is refused", async () => {
    expect((await chat({}, { "x-penstock-clamp": "true" })).mayClamp).toBe(true);
    expect((await chat({}, { "x-penstock-clamp": "false" })).mayClamp).toBe(false);
    expect((await chat()).mayClamp).toBe(false);
    for (const other of ["", "1", "TRUE", "yes", "true, true"])
      await expectRefusal(() => chat({}, { "x-penstock-clamp": other }), "invalid_value", "x-penstock-clamp");
  });

  test("an Idempotency-Key is kept as digests of itself, and of the endpoint and the very bytes sent", async () => {
    const sha = (text: string) => createHash("sha256").update(text).digest("hex");
    const request = posted({ model: "chat", messages }, { "idempotency-key": "order-66" });
    const call = await readCall(visitOf(request), "chat.completions", testModels);
    expect(call.idempotency).toEqual({
      key: sha("order-66"),
      body: sha(`chat.completions ${sha(JSON.stringify({ model: "chat", messages }))}`),
    });
    const twin = await readCall(
      visitOf(posted({ model: "text2sql", messages }, { "idempotency-key": "order-66" })),
      "text2sql",
      testModels,
    );
    const chatTwin = await readCall(
      visitOf(posted({ model: "text2sql", messages }, { "idempotency-key": "order-66" })),
      "chat.completions",
      testModels,
    );
    expect(twin.idempotency?.key).toBe(chatTwin.idempotency?.key);
    expect(twin.idempotency?.body).not.toBe(chatTwin.idempotency?.body);
    expect((await chat()).idempotency).toBeNull();
  });

  test("an Idempotency-Key has 1 to 255 characters", async () => {
    expect((await chat({}, { "idempotency-key": "k".repeat(255) })).idempotency).not.toBeNull();
    for (const key of ["", "k".repeat(256)])
      await expectRefusal(() => chat({}, { "idempotency-key": key }), "invalid_value", "Idempotency-Key");
  });

  test("calls alike in the first kilobyte, or in prompt_cache_key, share their affinity", async () => {
    const long = (tail: string) => [
      { role: "system", content: "s".repeat(1_024) },
      { role: "user", content: tail },
    ];
    expect((await chat({ messages: long("a") })).affinity).toBe((await chat({ messages: long("b") })).affinity);
    expect((await chat({ prompt_cache_key: "k", messages: long("a") })).affinity).toBe("k");
    expect((await chat({ prompt_cache_key: "k".repeat(5_000) })).affinity).toHaveLength(1_024);
    for (const none of ["", 5, {}]) expect((await chat({ prompt_cache_key: none })).affinity).toBe("hi");
  });
});

test("a call's guess of its prompt stays below its bound, and ids are counted, not guessed", async () => {
  for (const endpoint of endpoints) {
    const call = await read(endpoint);
    expect(call.promptTokensGuess).toBeGreaterThan(0);
    expect(call.promptTokensGuess).toBeLessThanOrEqual(call.promptTokensMax);
  }
  expect((await read("completions", { prompt: [1, 2, 3] })).promptTokensGuess).toBe(3);
  expect((await read("embeddings", { input: [[1, 2], [3]] })).promptTokensGuess).toBe(3);
  expect(await read("completions", { prompt: ["  "] })).toMatchObject({ promptTokensGuess: 6, promptTokensMax: 6 });
});
