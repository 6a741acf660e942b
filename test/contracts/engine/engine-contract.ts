import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineClient } from "./engine-client.ts";
import { isListed, type EngineName } from "./engine-differences.ts";

/** An engine under test. `embeddingModel` may be served at another address, or not at all. */
export interface OpenEngine {
  url: string;
  model: string;
  embeddingModel: string | null;
  close?: () => Promise<void>;
}

const chat = "/v1/chat/completions";
const completions = "/v1/completions";
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { enum: ["Paris", "Rome"] } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

/**
 * What Penstock's agent relies on, asserted over any engine that speaks vLLM's API. A promise that
 * `engine-differences.ts` lists for this engine must fail: the suite asserts the difference instead of stepping around
 * it.
 */
export function engineContract(engine: EngineName, open: () => Promise<OpenEngine>): void {
  describe(`an engine keeps its promises: ${engine}`, () => {
    let opened: OpenEngine;
    let client: EngineClient;
    beforeAll(async () => {
      opened = await open();
      client = new EngineClient(opened.url);
    });
    afterAll(() => opened.close?.());

    const promise: Promised = (sentence, keep) =>
      // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- both are the promise's own
      test(sentence, () => {
        const kept = keep({
          client,
          model: opened.model,
          ask: { model: opened.model, messages: [{ role: "user", content: "Hello, how are you?" }] },
          embeddingModel: opened.embeddingModel,
        });
        return isListed(engine, sentence) ? expectBroken(kept) : kept;
      });
    for (const [subject, make] of subjects) {
      // oxlint-disable-next-line vitest/valid-title -- the table below holds the titles
      describe(subject, () => {
        make(promise);
      });
    }
  });
}

async function expectBroken(kept: Promise<void>): Promise<void> {
  await expect(kept, "listed as a difference, but kept").rejects.toThrow();
}

const subjects: [subject: string, make: (promise: Promised) => void][] = [
  ["whole answers", promiseWhole],
  ["streams", promiseStreams],
  ["sampling", promiseSampling],
  ["tokens and cache", promiseTokens],
  ["form", promiseForm],
  ["refusals", promiseRefusals],
  ["operation", promiseOperation],
];

interface Bench {
  client: EngineClient;
  model: string;
  ask: { model: string; messages: { role: string; content: string }[] };
  embeddingModel: string | null;
}
type Promised = (sentence: string, keep: (bench: Bench) => Promise<void>) => void;

function promiseWhole(promise: Promised) {
  promise("a chat answer is one assistant message with a reason for its end", async ({ client, ask }) => {
    const answer = await client.whole(chat, { ...ask, max_tokens: 6, ignore_eos: true });
    expect(answer).toMatchObject({
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant" }, finish_reason: "length", stop_reason: null }],
    });
    expect(answer.id).toMatch(/^chatcmpl-/);
  });
  promise("usage adds up and counts what was asked for", async ({ client, ask }) => {
    const { usage } = await client.whole(chat, { ...ask, max_tokens: 6, ignore_eos: true });
    expect(usage?.completion_tokens).toBe(6);
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + 6);
  });
  promise("max_completion_tokens wins over max_tokens", async ({ client, ask }) => {
    expect(
      (await client.whole(chat, { ...ask, max_tokens: 9, max_completion_tokens: 4, ignore_eos: true })).usage
        ?.completion_tokens,
    ).toBe(4);
  });
  promise("a completion without max_tokens has 16", async ({ client, model }) => {
    expect(
      (await client.whole(completions, { model, prompt: "Once upon a time", ignore_eos: true })).usage
        ?.completion_tokens,
    ).toBe(16);
  });
  promise("a list of prompts is answered choice by choice, and usage is their sum", async ({ client, model }) => {
    const { choices, usage } = await client.whole(completions, {
      model,
      prompt: ["one", "two"],
      max_tokens: 3,
      ignore_eos: true,
    });
    expect(choices.map(({ index }) => index)).toEqual([0, 1]);
    expect(usage?.completion_tokens).toBe(6);
  });
  promise("echo puts the prompt before the completion", async ({ client, model }) => {
    const { choices } = await client.whole(completions, {
      model,
      prompt: "Once upon",
      max_tokens: 3,
      echo: true,
      ignore_eos: true,
    });
    expect(choices[0]?.text?.startsWith("Once upon")).toBe(true);
  });
  promise("an x-request-id becomes the answer's id", async ({ client, ask }) => {
    const response = await client.post(chat, { ...ask, max_tokens: 1 }, { headers: { "x-request-id": "contract-7" } });
    expect(await response.json()).toMatchObject({ id: "chatcmpl-contract-7" });
  });
  promise("a model may be left out: the first one answers", async ({ client, ask, model }) => {
    const { model: answered } = await client.whole(chat, { messages: ask.messages, max_tokens: 1 });
    expect(answered).toBe((await client.whole(chat, { ...ask, model, max_tokens: 1 })).model);
  });
}

function promiseStreams(promise: Promised) {
  promise("a stream begins with the role, ends with a reason, then [DONE]", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, { ...ask, max_tokens: 5, ignore_eos: true });
    expect(chunks[0]?.choices[0]).toMatchObject({ delta: { role: "assistant", content: "" }, finish_reason: null });
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("length");
    expect(chunks.slice(0, -1).every(({ choices }) => choices[0]?.finish_reason === null)).toBe(true);
  });
  promise("no chunk tells usage unless it was asked for", async ({ client, ask }) => {
    for (const stream_options of [undefined, null, {}, { include_usage: false, continuous_usage_stats: true }]) {
      const chunks = await client.chunks(chat, { ...ask, max_tokens: 2, stream_options });
      expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
    }
  });
  promise("include_usage adds one last chunk without choices", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, {
      ...ask,
      max_tokens: 5,
      ignore_eos: true,
      stream_options: { include_usage: true },
    });
    expect(chunks.filter(({ usage }) => usage)).toHaveLength(1);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } });
  });
  promise(
    "continuous usage is on every chunk, never falls, and ends as the last chunk says",
    async ({ client, ask }) => {
      const chunks = await client.chunks(chat, {
        ...ask,
        max_tokens: 9,
        ignore_eos: true,
        stream_options: { include_usage: true, continuous_usage_stats: true },
      });
      const counts = chunks.map(({ usage }) => usage?.completion_tokens ?? -1);
      expect(counts[0]).toBe(0);
      expect(counts).toEqual([...counts].sort((one, other) => one - other));
      expect(counts.slice(-2)).toEqual([9, 9]);
    },
  );
  promise("a greedy stream says what the whole answer says", async ({ client, ask }) => {
    const call = { ...ask, max_tokens: 40, temperature: 0 };
    const chunks = await client.chunks(chat, call);
    const text = chunks.map(({ choices }) => choices[0]?.delta?.content ?? "").join("");
    expect(text).toBe((await client.whole(chat, call)).choices[0]?.message?.content);
  });
  promise("a stream of two choices ends both", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, { ...ask, n: 2, max_tokens: 4, temperature: 1 });
    const ended = chunks.flatMap(({ choices }) => choices).filter(({ finish_reason }) => finish_reason !== null);
    expect(ended.map(({ index }) => index).sort()).toEqual([0, 1]);
  });
  promise("a streamed completion has no role chunk, and ends as chat does", async ({ client, model }) => {
    const chunks = await client.chunks(completions, {
      model,
      prompt: "Once upon",
      max_tokens: 4,
      ignore_eos: true,
      stream_options: { include_usage: true },
    });
    expect(chunks[0]?.object).toBe("text_completion");
    expect(typeof chunks[0]?.choices[0]?.text).toBe("string");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4 } });
  });
}

function promiseSampling(promise: Promised) {
  promise("the same seed gives the same answer", async ({ client, ask }) => {
    const call = { ...ask, seed: 42, temperature: 1, max_tokens: 20 };
    const [one, other] = await Promise.all([client.whole(chat, call), client.whole(chat, call)]);
    expect(one.choices[0]?.message?.content).toBe(other.choices[0]?.message?.content);
  });
  promise("n choices are told apart by index and all counted", async ({ client, ask }) => {
    const { choices, usage } = await client.whole(chat, {
      ...ask,
      n: 3,
      temperature: 1,
      max_tokens: 4,
      ignore_eos: true,
    });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(usage?.completion_tokens).toBe(12);
  });
  promise("a stop string ends the answer, is named, and is not in it", async ({ client, ask }) => {
    const free = await client.whole(chat, { ...ask, temperature: 0, max_tokens: 40, ignore_eos: true });
    const text = free.choices[0]?.message?.content ?? "";
    const stop = text.slice(9, 13);
    const { choices } = await client.whole(chat, { ...ask, temperature: 0, max_tokens: 40, ignore_eos: true, stop });
    expect(choices[0]).toMatchObject({
      finish_reason: "stop",
      stop_reason: stop,
      message: { content: text.slice(0, text.indexOf(stop)) },
    });
  });
  promise("a streamed answer holds back what may become a stop string", async ({ client, ask }) => {
    const free = await client.whole(chat, { ...ask, temperature: 0, max_tokens: 40, ignore_eos: true });
    const stop = (free.choices[0]?.message?.content ?? "").slice(7, 15);
    const chunks = await client.chunks(chat, {
      ...ask,
      temperature: 0,
      max_tokens: 40,
      ignore_eos: true,
      stop: [stop],
    });
    const text = chunks.map(({ choices }) => choices[0]?.delta?.content ?? "").join("");
    expect(text).toBe((free.choices[0]?.message?.content ?? "").split(stop)[0]);
  });
  promise("logprobs come one for each token, with as many alternatives as asked for", async ({ client, ask }) => {
    const { choices } = await client.whole(chat, {
      ...ask,
      temperature: 0,
      max_tokens: 4,
      ignore_eos: true,
      logprobs: true,
      top_logprobs: 2,
    });
    const entries = choices[0]?.logprobs?.content ?? [];
    expect(entries).toHaveLength(4);
    expect(entries.every(({ logprob, top_logprobs }) => logprob <= 0 && top_logprobs.length === 2)).toBe(true);
  });
}

function promiseTokens(promise: Promised) {
  promise("/tokenize counts what usage bills, for chat and for text", async ({ client, ask, model }) => {
    const counted = (await (await client.post("/tokenize", ask)).json()) as { count: number };
    expect((await client.whole(chat, { ...ask, max_tokens: 1 })).usage?.prompt_tokens).toBe(counted.count);
    const text = (await (
      await client.post("/tokenize", { model, prompt: "Zwölf Boxkämpfer 🥊 jagen 1234" })
    ).json()) as { count: number; tokens: number[] };
    expect((await client.whole(completions, { model, prompt: text.tokens, max_tokens: 1 })).usage?.prompt_tokens).toBe(
      text.count,
    );
  });
  promise("/detokenize undoes /tokenize", async ({ client, model }) => {
    const prompt = "Zwölf Boxkämpfer 🥊 jagen\n1234  times";
    const { tokens } = (await (await client.post("/tokenize", { model, prompt })).json()) as { tokens: number[] };
    expect(await (await client.post("/detokenize", { model, tokens })).json()).toEqual({ prompt });
  });
  promise("return_token_ids gives the prompt's ids once and every generated one", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, {
      ...ask,
      max_tokens: 12,
      ignore_eos: true,
      return_token_ids: true,
      stream_options: { include_usage: true },
    });
    expect(chunks[0]?.prompt_token_ids).toHaveLength(chunks.at(-1)?.usage?.prompt_tokens ?? -1);
    expect(chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? [])).toHaveLength(12);
  });
  promise(
    "a greedy answer goes on from its own token ids exactly where it left off",
    async ({ client, ask, model }) => {
      const chunks = await client.chunks(chat, {
        ...ask,
        temperature: 0,
        max_tokens: 24,
        ignore_eos: true,
        return_token_ids: true,
      });
      const ids = chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? []);
      const prompt = [...(chunks[0]?.prompt_token_ids ?? []), ...ids.slice(0, 10)];
      const { choices } = await client.whole(completions, {
        model,
        prompt,
        temperature: 0,
        max_tokens: 14,
        ignore_eos: true,
        return_token_ids: true,
      });
      expect(choices[0]?.token_ids).toEqual(ids.slice(10));
    },
  );
  promise("a prompt seen before is found in the cache, unless its salt is another", async ({ client, model }) => {
    const prompt = `${Date.now()} ${"The gate of the mill holds the water back. ".repeat(30)}`;
    const cached = async (cache_salt: string) =>
      (await client.whole(completions, { model, prompt, max_tokens: 1, cache_salt })).usage?.prompt_tokens_details
        ?.cached_tokens;
    expect(await cached("org-a")).toBe(0);
    expect(await cached("org-a")).toBeGreaterThan(100);
    expect(await cached("org-b")).toBe(0);
  });
}

function promiseForm(promise: Promised) {
  promise("a named tool is called, and ends with stop", async ({ client, ask }) => {
    const tool_choice = { type: "function", function: { name: "get_weather" } };
    const { choices } = await client.whole(chat, {
      ...ask,
      tools: [weather],
      tool_choice,
      max_tokens: 200,
      temperature: 0,
    });
    expect(choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { tool_calls: [{ type: "function", function: { name: "get_weather" } }] },
    });
  });
  promise("a required tool is streamed: the name first, then the arguments", async ({ client, ask }) => {
    const chunks = await client.chunks(chat, {
      ...ask,
      tools: [weather],
      tool_choice: "required",
      max_tokens: 200,
      temperature: 0,
    });
    const calls = chunks.flatMap(({ choices }) => choices[0]?.delta?.tool_calls ?? []);
    expect(calls[0]?.function.name).toBe("get_weather");
    expect(
      () => JSON.parse(calls.map(({ function: { arguments: args } }) => args ?? "").join("")) as unknown,
    ).not.toThrow();
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("tool_calls");
  });
  promise("a choice among texts is one of them", async ({ client, ask }) => {
    const { choices } = await client.whole(chat, {
      ...ask,
      structured_outputs: { choice: ["yes", "no"] },
      max_tokens: 8,
    });
    expect(["yes", "no"]).toContain(choices[0]?.message?.content);
  });
  promise("an answer with a JSON schema is JSON, or was cut short", async ({ client, ask }) => {
    const schema = {
      type: "object",
      properties: { city: { enum: ["Paris", "Rome"] } },
      required: ["city"],
      additionalProperties: false,
    };
    const { choices } = await client.whole(chat, {
      ...ask,
      max_tokens: 100,
      temperature: 0,
      response_format: { type: "json_schema", json_schema: { name: "x", schema } },
    });
    const [choice] = choices;
    const told: unknown =
      choice?.finish_reason === "stop" ? JSON.parse(choice.message?.content ?? "") : { city: "Rome" };
    expect(["Paris", "Rome"]).toContain(Reflect.get(Object(told), "city"));
  });
}

const refusals: [
  what: string,
  path: string,
  change: Record<string, unknown>,
  status: number,
  type: string,
  param: string | null,
][] = [
  ["an unknown model", chat, { model: "nope" }, 404, "NotFoundError", "model"],
  ["an unknown model, streamed", chat, { model: "nope", stream: true }, 404, "NotFoundError", "model"],
  ["no messages", chat, { messages: undefined }, 400, "Bad Request", "body.messages"],
  ["an empty conversation", chat, { messages: [] }, 400, "BadRequestError", null],
  ["a field of another type", chat, { temperature: "hot" }, 400, "Bad Request", "body.temperature"],
  ["max_tokens of 0", chat, { max_tokens: 0 }, 400, "BadRequestError", "max_tokens"],
  ["max_tokens above the context", chat, { max_tokens: 9_999_999 }, 400, "BadRequestError", "max_tokens"],
  ["a temperature above 2", chat, { temperature: 3 }, 400, "BadRequestError", "temperature"],
  ["several greedy choices", chat, { n: 2, temperature: 0 }, 400, "BadRequestError", null],
  [
    "stream_options without stream",
    chat,
    { stream_options: { include_usage: true } },
    400,
    "BadRequestError",
    "stream_options",
  ],
  ["a tool_choice without tools", chat, { tool_choice: "auto" }, 400, "BadRequestError", "tool_choice"],
  ["an empty cache_salt", chat, { cache_salt: "" }, 400, "BadRequestError", "cache_salt"],
  ["a cache_salt with a slash", chat, { cache_salt: "a/b" }, 400, "BadRequestError", "cache_salt"],
  ["more than four stop strings", chat, { stop: ["a", "b", "c", "d", "e"] }, 400, "Bad Request", "body.stop"],
  ["a prompt beyond the context", completions, { prompt: "7 ".repeat(6_000) }, 400, "BadRequestError", "input_tokens"],
  [
    "a prompt so long that it need not be counted",
    completions,
    { prompt: "7 ".repeat(200_000) },
    400,
    "BadRequestError",
    "input_text",
  ],
  ["an empty prompt", completions, { prompt: "" }, 400, "BadRequestError", "prompt"],
];

function promiseRefusals(promise: Promised) {
  for (const [what, path, change, status, type, param] of refusals) {
    promise(`${what} is refused with ${status}, before any stream begins`, async ({ client, ask }) => {
      const response = await client.post(path, { ...ask, ...change });
      expect(response.status).toBe(status);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(await response.json()).toMatchObject({ error: { type, param, code: status } });
    });
  }
  promise(
    "what only the engine itself finds at fault is a 400, in a stream its first event behind a 200, and [DONE] follows",
    async ({ client, ask, model }) => {
      const faults: [path: string, body: Record<string, unknown>, param: string | null][] = [
        [completions, { model, prompt: [2_000_000_000], max_tokens: 1 }, null],
        [chat, { ...ask, logprobs: true, top_logprobs: 21 }, "logprobs"],
        [
          chat,
          {
            ...ask,
            response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "nonsense" } } },
          },
          null,
        ],
        [chat, { ...ask, allowed_token_ids: [] }, "allowed_token_ids"],
      ];
      for (const [path, body, param] of faults) {
        const error = { type: "BadRequestError", param, code: 400 };
        const response = await client.post(path, body);
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({ error });
        const [first, ...rest] = await client.events(path, body);
        expect(JSON.parse(first ?? "")).toMatchObject({ error });
        expect(rest).toEqual(["[DONE]"]);
      }
    },
  );
  promise(
    "a prompt that fills the context to its last token is refused as a max_tokens of 0",
    async ({ client, model }) => {
      const { data } = (await (await fetch(`${client.url}/v1/models`)).json()) as {
        data: { id: string; max_model_len: number }[];
      };
      const prompt = Array<number>(data[0]?.max_model_len ?? 0).fill(300);
      const response = await client.post(completions, { model, prompt, max_tokens: 1 });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: {
          message: "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
          param: "max_tokens",
        },
      });
    },
  );
  promise("JSON that is none is refused with 400", async ({ client }) => {
    const response = await client.post(chat, null, { body: '{"model": ' });
    expect(response.status).toBe(400);
  });
  promise("an unknown route is FastAPI's 404, a wrong method its 405", async ({ client }) => {
    expect(await (await client.post("/v1/nope", {})).json()).toEqual({ detail: "Not Found" });
    expect((await fetch(client.url + chat)).status).toBe(405);
  });
}

function promiseOperation(promise: Promised) {
  promise("/health is an empty 200", async ({ client }) => {
    const response = await fetch(`${client.url}/health`);
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
  promise("/v1/models names the model and its context", async ({ client, model }) => {
    const { data } = (await (await fetch(`${client.url}/v1/models`)).json()) as {
      data: { id: string; max_model_len: number }[];
    };
    expect(data.find(({ id }) => id === model)?.max_model_len).toBeGreaterThan(0);
  });
  promise("the metrics that the agent reads are there, and counters move", async ({ client, ask }) => {
    const before = (await client.metric("vllm:generation_tokens_total")) ?? 0;
    await client.whole(chat, { ...ask, max_tokens: 5, ignore_eos: true });
    expect(await client.metric("vllm:generation_tokens_total")).toBeGreaterThanOrEqual(before + 5);
    const names = [
      "num_requests_running",
      "num_requests_waiting",
      "kv_cache_usage_perc",
      "prompt_tokens_total",
      "prefix_cache_queries_total",
      "prefix_cache_hits_total",
      "num_preemptions_total",
      "request_success_total",
      "admission_rejections_total",
      "cache_config_info",
    ];
    const absent = [];
    for (const name of names) if ((await client.metric(`vllm:${name}`)) === null) absent.push(name);
    expect(absent).toEqual([]);
  });
  promise("the work of a caller who leaves a stream is aborted within a second", async ({ client, ask }) => {
    const made = (await client.metric("vllm:generation_tokens_total")) ?? 0;
    const leave = new AbortController();
    const response = await client.post(
      chat,
      { ...ask, stream: true, max_tokens: 1_500, ignore_eos: true },
      { signal: leave.signal },
    );
    await response.body?.getReader().read();
    leave.abort();
    await client.idle(1_000);
    expect(await client.metric("vllm:generation_tokens_total")).toBeLessThan(made + 1_500);
    // vLLM has this label and never counts by it.
    expect(await client.metric("vllm:request_success_total", 'finished_reason="abort"')).toBe(0);
  });
  promise(
    "the work of a caller who leaves before a whole answer is aborted within a second",
    async ({ client, ask }) => {
      const leave = new AbortController();
      const call = client.post(chat, { ...ask, max_tokens: 1_500, ignore_eos: true }, { signal: leave.signal });
      setTimeout(() => leave.abort(), 100);
      await expect(call).rejects.toThrow();
      await client.idle(1_000);
    },
  );
  promise("an embedding is a vector for each input, billed by its prompt alone", async ({ client, embeddingModel }) => {
    const body = { model: embeddingModel ?? "none", input: ["one", "two words"] };
    const response = await client.post("/v1/embeddings", body);
    expect(response.status).toBe(embeddingModel === null ? 404 : 200);
    const answer = (await response.json()) as {
      data?: { embedding: number[] }[];
      usage?: { total_tokens: number; prompt_tokens: number };
    };
    expect(answer.data?.length ?? 2).toBe(2);
    expect(answer.usage?.total_tokens).toBe(answer.usage?.prompt_tokens);
  });
}
