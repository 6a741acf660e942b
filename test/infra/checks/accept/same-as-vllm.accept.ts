import OpenAI from "openai";
import { describe, expect, inject, test } from "vitest";
import { makeModelRecords, probeEngine } from "#infra/local/engine/real-engine.ts";
import { worldAt } from "#test/support/stack/world.ts";
import { chatEngines } from "./engines.ts";

const world = worldAt(inject("place"));
const direct = new OpenAI({ baseURL: `${chatEngines()[0]!.url}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "Tell me a story" }];
const weather = (strict: boolean) => ({
  type: "function",
  function: {
    name: "get_weather",
    ...(strict && { strict }),
    parameters: {
      type: "object",
      properties: { city: { enum: ["Paris", "Rome"] } },
      required: ["city"],
      additionalProperties: false,
    },
  },
});
const schema = {
  type: "object",
  properties: { ok: { type: "boolean" }, mood: { enum: ["good", "bad"] } },
  required: ["ok", "mood"],
  additionalProperties: false,
};

type VllmFields = Record<string, unknown>;

const chats: [name: string, fields: VllmFields][] = [
  ["greedy", { max_tokens: 40 }],
  ["one token", { max_tokens: 1 }],
  [
    "a system message, history and content parts",
    {
      max_tokens: 20,
      messages: [
        { role: "system", content: "Be brief." },
        ...messages,
        { role: "assistant", content: "Well." },
        {
          role: "user",
          content: [
            { type: "text", text: "And " },
            { type: "text", text: "now?" },
          ],
        },
      ],
    },
  ],
  [
    "seed, temperature, top_p, top_k, min_p, repetition and presence penalty",
    {
      max_tokens: 40,
      temperature: 1,
      seed: 7,
      top_p: 0.9,
      top_k: 20,
      min_p: 0.01,
      repetition_penalty: 1.1,
      presence_penalty: 0.5,
    },
  ],
  [
    "wild tokens: halves of characters, tokens without text",
    { max_tokens: 120, temperature: 2, seed: 11, ignore_eos: true },
  ],
  ["max_completion_tokens over max_tokens", { max_tokens: 30, max_completion_tokens: 6, ignore_eos: true }],
  ["min_tokens and logit_bias", { max_tokens: 30, min_tokens: 25, logit_bias: { 300: 5 } }],
  ["three choices", { n: 3, temperature: 1, seed: 3, max_tokens: 12 }],
  ["four choices, on the complex node", { n: 4, temperature: 1, seed: 3, max_tokens: 12 }],
  ["logprobs", { logprobs: true, top_logprobs: 3, max_tokens: 8 }],
  ["a stop string that never comes", { max_tokens: 60, stop: ["\u0001never", "e".repeat(60)] }],
  ["stop_token_ids", { max_tokens: 60, stop_token_ids: [300, 301, 302] }],
  ["tools, auto", { tools: [weather(true)], tool_choice: "auto", max_tokens: 30 }],
  ["tools, required and strict", { tools: [weather(true)], tool_choice: "required", max_tokens: 120 }],
  ["tools, required and loose", { tools: [weather(false)], tool_choice: "required", max_tokens: 120 }],
  [
    "a named tool",
    { tools: [weather(true)], tool_choice: { type: "function", function: { name: "get_weather" } }, max_tokens: 120 },
  ],
  [
    "a named tool, cut by max_tokens",
    { tools: [weather(true)], tool_choice: { type: "function", function: { name: "get_weather" } }, max_tokens: 6 },
  ],
  [
    "json_schema",
    { response_format: { type: "json_schema", json_schema: { name: "x", strict: true, schema } }, max_tokens: 80 },
  ],
  ["json_object", { response_format: { type: "json_object" }, max_tokens: 60 }],
  ["structured_outputs", { structured_outputs: { choice: ["yes", "no"] }, max_tokens: 8 }],
  [
    "no max_tokens: to the end of the context",
    { ignore_eos: true, messages: [{ role: "user", content: "house ".repeat(1_800) }] },
  ],
];

const completions: [name: string, fields: VllmFields][] = [
  ["16 tokens when none are asked for", { prompt: "Once upon a time", ignore_eos: true }],
  ["several prompts", { prompt: ["one", "two"], max_tokens: 9 }],
  ["token ids", { prompt: [300, 301, 302], max_tokens: 9 }],
  ["echo", { prompt: "Once upon", echo: true, max_tokens: 9 }],
  ["logprobs and n", { prompt: "Once upon", logprobs: 2, n: 2, temperature: 1, seed: 5, max_tokens: 9 }],
];

/** A choice without what is only form: null and absent, whole and in pieces. */
interface VllmAnswer {
  index: number;
  text: string;
  calls: { name: string; args: string }[];
  finish: unknown;
  logprobs: unknown[];
}

interface RawCall {
  index: number;
  function: { name?: string; arguments?: string };
}

interface RawChoice {
  index: number;
  text?: string;
  message?: { content: string | null; tool_calls?: RawCall[] };
  delta?: { content?: string | null; tool_calls?: RawCall[] };
  finish_reason: string | null;
  logprobs?: { content?: unknown[]; tokens?: unknown[] } | null;
}

interface RawAnswer {
  id: string;
  model: string;
  choices: RawChoice[];
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null;
}

/** Arguments as values: a whole answer of vLLM's has a reprint of them, a stream what the model wrote. */
const parseCalls = (answer: VllmAnswer) => ({
  ...answer,
  calls: answer.calls.map(({ name, args }) => ({ name, args: JSON.parse(args) as unknown })),
});

/**
 * A tool call that was cut is text in vLLM's whole answers, tags and all; in its streams, and with us, it is not. The
 * cut may be in the tag itself.
 */
const isCutCall = ({ choices }: RawAnswer) => choices.some(({ message }) => message?.content?.includes("<tool_"));

/** The names of an answer's members, and of its choices', in their order; without what tells of vLLM's own affairs. */
const listMembers = (answer: RawAnswer) => [
  Object.keys(answer).filter((name) => !["kv_transfer_params", "ec_transfer_params", "metrics"].includes(name)),
  Object.keys(answer.choices[0] ?? {}),
  Object.keys(answer.choices[0]?.message ?? {}).filter((name) => name !== "tool_calls"),
  Object.keys(answer.usage ?? {}),
];

const counts = ({ usage }: RawAnswer) => ({
  prompt: usage?.prompt_tokens,
  completion: usage?.completion_tokens,
  total: usage?.total_tokens,
});
const readLogprobs = ({ logprobs }: RawChoice) => logprobs?.content ?? logprobs?.tokens ?? [];

function readWhole(answer: RawAnswer): VllmAnswer[] {
  return answer.choices.map((choice) => ({
    index: choice.index,
    text: choice.text ?? choice.message?.content ?? "",
    calls: (choice.message?.tool_calls ?? []).map((call) => ({
      name: call.function.name ?? "",
      args: call.function.arguments ?? "",
    })),
    finish: choice.finish_reason,
    logprobs: readLogprobs(choice),
  }));
}

function readStream(chunks: RawAnswer[]): VllmAnswer[] {
  const told: VllmAnswer[] = [];
  for (const choice of chunks.flatMap((chunk) => chunk.choices)) {
    const one = (told[choice.index] ??= { index: choice.index, text: "", calls: [], finish: null, logprobs: [] });
    one.text += choice.text ?? choice.delta?.content ?? "";
    for (const part of choice.delta?.tool_calls ?? []) {
      const call = (one.calls[part.index] ??= { name: "", args: "" });
      call.name += part.function.name ?? "";
      call.args += part.function.arguments ?? "";
    }
    one.finish = choice.finish_reason ?? one.finish;
    one.logprobs.push(...readLogprobs(choice));
  }
  return told;
}

/** What the SDK returns, whole or as a stream; its own types know neither vLLM's fields nor what we compare. */
type VllmAsk = (client: OpenAI, fields: VllmFields) => Promise<unknown>;
const asWhole = async (answer: Promise<unknown>) => (await answer) as RawAnswer;
const asStream = async (answer: Promise<unknown>) => (await answer) as AsyncIterable<RawAnswer>;

async function compare(ask: VllmAsk, fields: VllmFields): Promise<void> {
  const org = await world.newOrg();
  const ours = new OpenAI({ baseURL: `${world.place.edge}/v1`, apiKey: org.key, maxRetries: 0 });
  const truth = await asWhole(ask(direct, fields));
  const whole = await asWhole(ask(ours, fields));
  if (!isCutCall(truth)) expect(readWhole(whole).map(parseCalls)).toEqual(readWhole(truth).map(parseCalls));
  expect(listMembers(whole)).toEqual(listMembers(truth));
  expect(counts(whole)).toEqual(counts(truth));
  expect(whole.model).toBe(truth.model);

  const told: VllmAnswer[][] = [];
  for (const client of [direct, ours]) {
    const chunks: RawAnswer[] = [];
    for await (const chunk of await asStream(
      ask(client, { ...fields, stream: true, stream_options: { include_usage: true } }),
    ))
      chunks.push(chunk);
    expect(counts(chunks.at(-1)!)).toEqual(counts(truth));
    expect(chunks.filter((chunk) => chunk.usage)).toHaveLength(1);
    told.push(readStream(chunks));
  }
  expect(told[1]).toEqual(told[0]);

  const rows = await world.settled(org.id);
  expect(rows).toHaveLength(2);
  for (const row of rows)
    expect(row).toMatchObject({
      end: "completed",
      promptTokens: truth.usage?.prompt_tokens,
      completionTokens: truth.usage?.completion_tokens,
    });
  expect(rows.map((row) => row.responseId)).toContain(whole.id);
}

const askChat: VllmAsk = (client, fields) =>
  client.chat.completions.create({
    model: "chat",
    messages,
    temperature: 0,
    ...fields,
  } as unknown as OpenAI.ChatCompletionCreateParams);
const askCompletion: VllmAsk = (client, fields) =>
  client.completions.create({ model: "chat", temperature: 0, ...fields } as unknown as OpenAI.CompletionCreateParams);

describe("through edge and agent the SDK gets what vLLM says, and its caller is billed vLLM's usage:", () => {
  test.each(chats)("chat, %s", (_name, fields) => compare(askChat, fields));
  test.each(completions)("completions, %s", (_name, fields) => compare(askCompletion, fields));
  test("chat, a stop string that comes", async () => {
    const call = { max_tokens: 40, ignore_eos: true };
    const [free] = readWhole(await asWhole(askChat(direct, call)));
    await compare(askChat, { ...call, stop: [free!.text.slice(12, 19)] });
  });
});

test("nothing of the engine's own affairs is in an answer: fields, headers, names", async () => {
  const org = await world.newOrg();
  for (const stream of [false, true]) {
    const response = await world.chat(org.key, {
      max_tokens: 4,
      stream,
      cache_salt: "theirs",
      request_id: "theirs",
      priority: -1,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("server") ?? "").not.toMatch(/uvicorn/i);
    const text = await response.text();
    expect(text).not.toMatch(
      /kv_transfer_params|ec_transfer_params|tiny-model|"token_ids":\[|theirs|chatcmpl-tool-theirs/,
    );
    expect(text).toMatch(/"id":"chatcmpl-/);
  }
});

test("scores of a prompt are vLLM's own, priced as scores; those of a chat's echo alone are not shown", async () => {
  const org = await world.newOrg();
  const fields = { max_tokens: 1, temperature: 0, messages };
  const truth = await asWhole(askChat(direct, { ...fields, prompt_logprobs: 1 }));
  for (const [asked, scores] of [
    [{ prompt_logprobs: 1 }, "prompt_logprobs" in truth && truth.prompt_logprobs],
    [{ echo: true }, null],
  ] as const) {
    const response = await world.chat(org.key, { ...fields, ...asked });
    expect(response.headers.get("x-penstock-tier")).toMatch(/^complex; .*why=scores/);
    expect(await response.json()).toHaveProperty("prompt_logprobs", scores);
  }
  expect(await world.settled(org.id)).toMatchObject(
    Array.from({ length: 2 }, () => ({ promptTokens: truth.usage?.prompt_tokens, completionTokens: 1 })),
  );
});

test("four choices go to the complex node's engine, one to the shared node's", async () => {
  const org = await world.newOrg();
  for (const [n, tier] of [
    [1, "shared"],
    [4, "complex"],
  ] as const) {
    const response = await world.chat(org.key, { n, temperature: 1, max_tokens: 2 });
    expect(response.headers.get("x-penstock-tier")).toMatch(new RegExp(`^${tier};`));
    expect(response.headers.get("x-penstock-tier")).not.toContain("spill");
    await response.text();
  }
});

test("/text2sql reaches the same vLLM, chat-shaped", async () => {
  const org = await world.newOrg();
  const response = await world.post("/text2sql", org.key, { messages, max_tokens: 5, ignore_eos: true });
  expect(await response.json()).toMatchObject({ object: "chat.completion", usage: { completion_tokens: 5 } });
  expect(await world.settled(org.id)).toMatchObject([{ endpoint: "text2sql", completionTokens: 5 }]);
});

test("`npm run dev -- --engine` makes one model of this vLLM, with its other served names as aliases", async () => {
  const { found, engine } = await probeEngine(chatEngines()[0]!.url);
  expect(engine.kind).toBe("vllm");
  expect(makeModelRecords(found)).toMatchObject([
    { id: "Qwen/Qwen2.5-7B-Instruct", aliases: expect.arrayContaining(["chat"]), contextTokensMax: 2_048 },
  ]);
});
