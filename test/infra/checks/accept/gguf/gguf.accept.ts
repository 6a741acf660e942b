import { setTimeout as sleep } from "node:timers/promises";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventsOf, windowOf, type World } from "#test/support/stack/world.ts";
import { note } from "#test/infra/checks/accept/engines.ts";
import { openGgufWorld, type GgufWorld } from "./gguf-world.ts";

let own: GgufWorld;
let world: World;

beforeAll(async () => {
  own = await openGgufWorld();
  world = own.world;
  note("llama.cpp", own.version);
});
afterAll(() => own.close());

const sdk = (key: string) => new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: key, maxRetries: 0 });
const story = (content = "Tell me a story") => ({ model: "chat", messages: [{ role: "user" as const, content }] });

/**
 * Runs work for a new org, whose prompts lie in no slot yet; then its bill, beside what llama.cpp says it read and made
 * meanwhile. The last token of a prompt is read as the first of the answer is made.
 */
async function billed<T>(work: (key: string) => Promise<T>) {
  const org = await world.newOrg();
  const before = own.work();
  const result = await work(org.key);
  await untilIdle();
  const rows = await world.settled(org.id);
  const after = own.work();
  return { org, result, rows, row: rows[0]!, read: after.read - before.read, made: after.made - before.made };
}

/** Waits until llama.cpp's meters stand still. Resolves with how long it took, less the standing. */
async function untilIdle(msMax = 30_000): Promise<number> {
  const startedAtMs = Date.now();
  for (let last = own.work(), stillSinceMs = Date.now(); Date.now() - startedAtMs < msMax;) {
    await sleep(50);
    const now = own.work();
    if (now.read + now.made !== last.read + last.made) [last, stillSinceMs] = [now, Date.now()];
    if (Date.now() - stillSinceMs > 1_500) return stillSinceMs - startedAtMs;
  }
  throw new Error("llama.cpp did not come to rest");
}

describe("the bill is what llama.cpp says it read and made:", () => {
  test("a whole answer", async () => {
    const { result, row, rows, read, made } = await billed((key) =>
      sdk(key).chat.completions.create({ ...story(), max_tokens: 12, temperature: 0 }),
    );
    expect(rows).toHaveLength(1);
    expect(result.choices[0]).toMatchObject({ finish_reason: "length", message: { role: "assistant" } });
    expect(result.usage).toMatchObject({
      prompt_tokens: read + 1,
      completion_tokens: made,
      total_tokens: read + 1 + made,
    });
    expect(row).toMatchObject({ end: "completed", promptTokens: read + 1, completionTokens: made });
    expect(made).toBe(12);
  });

  test("a stream, whose text is that of the whole answer", async () => {
    const call = { ...story(), max_tokens: 16, temperature: 0 };
    const whole = await billed((key) => sdk(key).chat.completions.create(call));
    const { result, row, read, made } = await billed(async (key) => {
      const parts = { text: "", finish: "", usage: null as OpenAI.CompletionUsage | null };
      for await (const { choices, usage } of await sdk(key).chat.completions.create({
        ...call,
        stream: true,
        stream_options: { include_usage: true },
      })) {
        parts.text += choices[0]?.delta.content ?? "";
        parts.finish = choices[0]?.finish_reason ?? parts.finish;
        parts.usage = usage ?? parts.usage;
      }
      return parts;
    });
    expect(result.text).toBe(whole.result.choices[0]!.message.content);
    expect(result).toMatchObject({ finish: "length", usage: { prompt_tokens: read + 1, completion_tokens: made } });
    expect(row).toMatchObject({ end: "completed", promptTokens: read + 1, completionTokens: made });
  });

  test("a plain completion, the mark before its text included", async () => {
    const { result, row, read, made } = await billed((key) =>
      sdk(key).completions.create({ model: "chat", prompt: "The capital of France is", max_tokens: 8, temperature: 0 }),
    );
    expect(result.choices[0]!.text).toMatch(/\w/);
    expect(row).toMatchObject({ promptTokens: read + 1, completionTokens: made });
  });

  test("an answer that a stop string ends, whose tokens were made though nobody sees them", async () => {
    const free = await billed((key) =>
      sdk(key).completions.create({ model: "chat", prompt: "1 2 3 4 5 6 7", max_tokens: 24, temperature: 0 }),
    );
    const text = free.result.choices[0]!.text;
    const stop = text.slice(6, 10);
    expect(stop).toHaveLength(4);
    for (const stream of [false, true]) {
      const { result, row, made } = await billed(async (key) => {
        const response = await world.post("/v1/completions", key, {
          model: "chat",
          prompt: "1 2 3 4 5 6 7",
          max_tokens: 24,
          temperature: 0,
          stop: [stop],
          stream,
        });
        if (!stream) return (JSON.parse(await response.text()) as OpenAI.Completion).choices[0]!;
        const choices = (await eventsOf(response))
          .filter((event) => event !== "[DONE]")
          .flatMap((event) => (JSON.parse(event) as OpenAI.Completion).choices);
        return { text: choices.map((choice) => choice.text).join(""), finish_reason: choices.at(-1)!.finish_reason };
      });
      expect(result).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish_reason: "stop" });
      expect(row.completionTokens).toBe(made);
      expect(made).toBeLessThan(24);
    }
  });

  test("five calls at once, whole and streamed, as many as a Standard org may have", async () => {
    const startedAtMs = Date.now();
    const { result, rows, read, made } = await billed((key) =>
      Promise.all(
        Array.from({ length: 5 }, async (_, at) => {
          const response = await world.chat(key, {
            messages: story(`Story number ${at}`).messages,
            max_tokens: 6 + at,
            stream: at % 2 === 0,
          });
          return { status: response.status, text: await response.text() };
        }),
      ),
    );
    expect(result.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(result.filter(({ text }) => text.endsWith("data: [DONE]\n\n"))).toHaveLength(3);
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    // Four slots: the fifth call finds the beginning that all prompts share.
    const cached = sum(rows.map((row) => Number(row["cachedTokens"] ?? 0)));
    expect(sum(rows.map((row) => row.completionTokens))).toBe(made);
    expect(sum(rows.map((row) => row.promptTokens)) - cached).toBe(read + 5);
    note("llama.cpp: five calls at once", `billed ${made}, llama.cpp made ${made}, ${Date.now() - startedAtMs} ms`);
  });

  test("an org alone profits of its last prompt's cache; it is told so, and billed all the same", async () => {
    const ask = (key: string) =>
      sdk(key).chat.completions.create({
        ...story("Once upon a time there was a gateway that counted every token."),
        max_tokens: 2,
      });
    const { result, rows } = await billed(async (key) => [await ask(key), await ask(key)]);
    const [first, again] = result.map(({ usage }) => usage!);
    expect(first!.prompt_tokens_details?.cached_tokens ?? 0).toBe(0);
    expect(again!.prompt_tokens_details?.cached_tokens).toBe(first!.prompt_tokens - 1);
    expect(rows.map((row) => row.promptTokens)).toEqual([first!.prompt_tokens, first!.prompt_tokens]);
    const other = await billed(ask);
    expect(other.result.usage!.prompt_tokens_details?.cached_tokens ?? 0).toBe(0);
  });
});

describe("a caller who leaves", () => {
  test.each([1, 12])(
    "a stream after %i tokens is billed at least what its caller saw and at most what was made, and llama.cpp stops",
    async (tokens) => {
      const { result, row, read, made } = await billed(async (key) => {
        const stream = await sdk(key).chat.completions.create({
          ...story(),
          stream: true,
          max_tokens: 800,
          stream_options: { include_usage: true, continuous_usage_stats: true } as { include_usage: true },
        });
        for await (const { usage } of stream) {
          if ((usage?.completion_tokens ?? 0) < tokens) continue;
          stream.controller.abort();
          return { seen: usage!.completion_tokens, idleMs: await untilIdle() };
        }
        throw new Error("the stream ended before we left");
      });
      expect(row).toMatchObject({ end: "cancelled", promptTokens: read + 1 });
      expect(row.completionTokens).toBeGreaterThanOrEqual(result.seen);
      expect(row.completionTokens).toBeLessThanOrEqual(made);
      expect(made).toBeLessThan(400);
      note(
        `llama.cpp: left after ${tokens} tokens`,
        `saw ${result.seen}, billed ${row.completionTokens}, llama.cpp made ${made}, at rest after ${result.idleMs} ms`,
      );
    },
  );

  test("while the prompt is being read: the reading stops, nothing was made, and nothing stays held", async () => {
    const long = "word ".repeat(900);
    const leave = new AbortController();
    const { org, rows, read, made } = await billed(async (key) => {
      const before = own.work().read;
      const call = world
        .chat(key, { messages: story(long).messages, max_tokens: 4, stream: true }, {}, leave.signal)
        .then((response) => response.text());
      call.catch(() => undefined);
      for (const endMs = Date.now() + 30_000; own.work().read === before && Date.now() < endMs;) await sleep(5);
      leave.abort();
      await expect(call).rejects.toThrow();
      return null;
    });
    const { openHolds } = await world.ledger(org.id);
    expect(openHolds).toEqual([]);
    for (const row of rows) expect(row.completionTokens).toBeLessThanOrEqual(made);
    note(
      "llama.cpp: left while 900 tokens were read",
      `llama.cpp read ${read} and made ${made}, billed ` +
        `${JSON.stringify(rows.map((row) => [row.end, row.promptTokens, row.completionTokens]))}`,
    );
    expect(made).toBeLessThanOrEqual(1);
  });
});

describe("the context", () => {
  test("may be filled to its last token, and nothing of the prompt is dropped for it", async () => {
    const prompt = "word ".repeat(own.contextTokensMax - 20).trim();
    const org = await world.newOrg();
    const { count } = (await (
      await fetch(`${world.place.nodes[0]!.engineUrl}/tokenize`, { method: "POST", body: JSON.stringify({ prompt }) })
    ).json()) as { count: number };
    const rest = own.contextTokensMax - count;
    expect(rest).toBeGreaterThan(5);
    const over = await world.post("/v1/completions", org.key, { model: "chat", prompt, max_tokens: rest + 1 });
    expect([
      over.status,
      (JSON.parse(await over.text()) as { error: { code: string; param: string } }).error,
    ]).toMatchObject([400, { code: "context_length_exceeded", param: "prompt" }]);
    const { result, read, made } = await billed((key) =>
      sdk(key).completions.create({ model: "chat", prompt, max_tokens: rest, temperature: 0 }),
    );
    expect(result.usage).toMatchObject({
      prompt_tokens: count,
      completion_tokens: rest,
      total_tokens: own.contextTokensMax,
    });
    expect([read, made]).toEqual([count - 1, rest]);
    // Chat, whose max_tokens is ours by default: it shrinks to what is left.
    const chat = await billed((key) => sdk(key).chat.completions.create({ ...story(prompt), temperature: 0 }));
    expect(chat.result.usage!.total_tokens).toBe(own.contextTokensMax);
    expect([chat.read + 1, chat.made]).toEqual([
      chat.result.usage!.prompt_tokens,
      chat.result.usage!.completion_tokens,
    ]);
  });
});

describe("what shapes an answer", () => {
  test("JSON is JSON, and of the schema", async () => {
    const ask = (response_format: OpenAI.ChatCompletionCreateParams["response_format"]) =>
      billed((key) =>
        sdk(key).chat.completions.create({
          ...story("A person as JSON"),
          max_tokens: 60,
          temperature: 0,
          response_format: response_format!,
        }),
      );
    const schema = {
      type: "object",
      properties: { name: { type: "string", maxLength: 8 }, kind: { enum: ["cat", "dog"] } },
      required: ["name", "kind"],
      additionalProperties: false,
    };
    const shaped = await ask({ type: "json_schema", json_schema: { name: "person", strict: true, schema } });
    const person = JSON.parse(shaped.result.choices[0]!.message.content!);
    expect(Object.keys(person)).toEqual(["name", "kind"]);
    expect(["cat", "dog"]).toContain(person.kind);
    // It ended of itself: what ended it was made as well.
    expect(shaped.result.choices[0]!.finish_reason).toBe("stop");
    expect(shaped.row).toMatchObject({ promptTokens: shaped.read + 1, completionTokens: shaped.made });
    expect((await ask({ type: "json_object" })).result.choices[0]!.message.content).toMatch(/^\s*\{/);
  });

  test("a seed makes an answer again, and characters of several tokens come whole", async () => {
    const org = await world.newOrg();
    const ask = async () => {
      let text = "";
      const stream = await sdk(org.key).chat.completions.create({
        ...story("😀🎉 你好 мир 😀🎉 你好 мир"),
        max_tokens: 24,
        seed: 7,
        temperature: 1.5,
        stream: true,
      });
      for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
      return text;
    };
    const text = await ask();
    expect(text).not.toContain("\uFFFD");
    expect(await ask()).toBe(text);
  });
});

test("what llama.cpp is not asked to do is refused by name, costs nothing and holds nothing", async () => {
  const org = await world.newOrg();
  const before = own.work();
  const chat = (fields: Record<string, unknown>) => ({ ...story(), max_tokens: 2, ...fields });
  const cases: [string, Record<string, unknown>, number, string, string | null][] = [
    [
      "/v1/chat/completions",
      chat({ tools: [{ type: "function", function: { name: "f", parameters: {} } }] }),
      400,
      "unsupported_parameter",
      "tools",
    ],
    ["/v1/chat/completions", chat({ n: 2 }), 400, "unsupported_parameter", "n"],
    ["/v1/chat/completions", chat({ logprobs: true }), 400, "unsupported_parameter", "logprobs"],
    [
      "/v1/chat/completions",
      chat({
        response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "string", pattern: "a" } } },
      }),
      400,
      "unsupported_parameter",
      "response_format",
    ],
    [
      "/v1/chat/completions",
      chat({
        messages: [
          { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] },
        ],
      }),
      400,
      "unsupported_parameter",
      "messages[0].content[0].type",
    ],
    [
      "/v1/chat/completions",
      chat({ messages: [{ role: "tool", tool_call_id: "a", content: "x" }] }),
      400,
      "unsupported_parameter",
      "messages[0].role",
    ],
    ["/v1/completions", { model: "chat", prompt: "a", echo: true }, 400, "unsupported_parameter", "echo"],
    ["/v1/completions", { model: "chat", prompt: ["a", "b"] }, 400, "unsupported_parameter", "prompt"],
    ["/v1/chat/completions", chat({ max_tokens: 5_000 }), 400, "context_length_exceeded", "max_tokens"],
    [
      "/v1/chat/completions",
      chat({ messages: story("word ".repeat(1_100)).messages }),
      400,
      "context_length_exceeded",
      "messages",
    ],
  ];
  for (const [path, body, status, code, param] of cases) {
    for (const stream of [false, true]) {
      const response = await world.post(path, org.key, { ...body, stream });
      expect([response.status, JSON.parse(await response.text()).error]).toMatchObject([status, { code, param }]);
    }
  }
  const embeddings = await world.post("/v1/embeddings", org.key, { model: "chat", input: "x" });
  expect([embeddings.status, JSON.parse(await embeddings.text()).error]).toMatchObject([
    400,
    { code: "invalid_value", param: "model" },
  ]);
  expect(await world.settled(org.id)).toEqual([]);
  expect(own.work()).toEqual(before);
});

test("the caller who may have five at once is told of the sixth", async () => {
  const org = await world.newOrg({ concurrency: 5 });
  const leave = new AbortController();
  const five = await Promise.all(
    Array.from({ length: 5 }, () => world.chat(org.key, { stream: true, max_tokens: 200 }, {}, leave.signal)),
  );
  const sixth = await world.chat(org.key, { max_tokens: 1 });
  expect([sixth.status, JSON.parse(await sixth.text()).error.code]).toEqual([429, "concurrency_exceeded"]);
  expect(five.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  leave.abort();
  await untilIdle();
  await world.settled(org.id);
  expect(windowOf(await world.ledger(org.id), "tokensPerDay").held).toBe(0);
});
