import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { windowOf, worldAt, type Org } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));
let org: Org;
let before: unknown;
const message = { role: "user", content: "hi" };
const chat = (fields: Record<string, unknown>) => ({ model: "chat", messages: [message], max_tokens: 1, ...fields });
const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));

beforeAll(async () => {
  org = await world.newOrg({ tokensPerDay: 1_000_000, requestsPerMinute: 1_000 });
  before = (await world.ledger(org.id)).windows;
});
afterAll(async () => {
  expect((await world.ledger(org.id)).windows).toEqual(before);
  expect(await world.usage(org.id)).toEqual([]);
});

interface Case {
  name: string;
  body: unknown;
  status?: number;
  code?: string;
  param?: string | null;
  path?: string;
}

const cases: Case[] = [
  { name: "malformed JSON", body: '{"model":', code: "invalid_json" },
  { name: "an empty body", body: "", code: "invalid_json" },
  { name: "a body that is no object", body: "[1,2]" },
  { name: "null", body: "null" },
  { name: "nesting of 65 levels", body: chat({ metadata: nested(64) }) },
  { name: "nesting of 100,000 levels", body: `{"model":"chat","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}` },
  { name: "no model", body: { messages: [message] }, param: "model" },
  { name: "a model that is a number", body: chat({ model: 5 }), param: "model" },
  { name: "an unknown model", body: chat({ model: "gpt-4" }), status: 404, code: "model_not_found", param: "model" },
  { name: "a chat with an embedding model", body: chat({ model: "embed" }), param: "model" },
  { name: "no messages", body: { model: "chat" }, param: "messages" },
  { name: "empty messages", body: chat({ messages: [] }), param: "messages" },
  { name: "2,049 messages", body: chat({ messages: Array.from({ length: 2_049 }, () => message) }), param: "messages" },
  { name: "a message without a role", body: chat({ messages: [{ content: "x" }] }), param: "messages[0].role" },
  {
    name: "an unknown role in the second message",
    body: chat({ messages: [message, { role: "root", content: "x" }] }),
    param: "messages[1].role",
  },
  {
    name: "content that is a number",
    body: chat({ messages: [{ role: "user", content: 7 }] }),
    param: "messages[0].content",
  },
  {
    name: "an image by address",
    body: chat({
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "http://169.254.169.254/" } }] }],
    }),
    param: "messages[0].content[0].image_url.url",
  },
  { name: "n of 9", body: chat({ n: 9 }), param: "n" },
  { name: "n of 0", body: chat({ n: 0 }), param: "n" },
  { name: "max_tokens of 0", body: chat({ max_tokens: 0 }), param: "max_tokens" },
  { name: "negative max_tokens", body: chat({ max_tokens: -1 }), param: "max_tokens" },
  { name: "max_tokens as text", body: chat({ max_tokens: "100" }), param: "max_tokens" },
  { name: "max_tokens as a float", body: chat({ max_tokens: 1.5 }), param: "max_tokens" },
  {
    name: "max_tokens of 1e300",
    body: '{"model":"chat","messages":[{"role":"user","content":"x"}],"max_tokens":1e300}',
    param: "max_tokens",
  },
  {
    name: "max_tokens beyond 2^53",
    body: '{"model":"chat","messages":[{"role":"user","content":"x"}],"max_tokens":9007199254740993}',
    param: "max_tokens",
  },
  {
    name: "max_tokens beyond the context",
    body: chat({ max_tokens: 131_073 }),
    code: "context_length_exceeded",
    param: "max_tokens",
  },
  { name: "temperature of 2.1", body: chat({ temperature: 2.1 }), param: "temperature" },
  { name: "temperature NaN as text", body: chat({ temperature: "NaN" }), param: "temperature" },
  { name: "top_p of 0", body: chat({ top_p: 0 }), param: "top_p" },
  { name: "17 stop strings", body: chat({ stop: Array(17).fill("x") }), param: "stop" },
  { name: "a stop that is a number", body: chat({ stop: 5 }), param: "stop" },
  {
    name: "logit_bias of 1,025 entries",
    body: chat({ logit_bias: Object.fromEntries(Array.from({ length: 1_025 }, (_, id) => [id, 1])) }),
    param: "logit_bias",
  },
  {
    name: "a schema of 33 KB",
    body: chat({
      response_format: { type: "json_schema", json_schema: { name: "s", schema: { description: "x".repeat(33_000) } } },
    }),
    param: "response_format",
  },
  {
    name: "guided_json",
    body: chat({ guided_json: { type: "object" } }),
    code: "unsupported_parameter",
    param: "guided_json",
  },
  { name: "stream as text", body: chat({ stream: "yes" }), param: "stream" },
  {
    name: "stream_options without stream",
    body: chat({ stream_options: { include_usage: true } }),
    param: "stream_options",
  },
  { name: "top_logprobs without logprobs", body: chat({ top_logprobs: 2 }), param: "top_logprobs" },
  { name: "a completion without a prompt", body: { model: "chat" }, path: "/v1/completions", param: "prompt" },
  { name: "a completion of negative token ids", body: { model: "chat", prompt: [-1] }, path: "/v1/completions" },
  {
    name: "an empty prompt among others",
    body: { model: "chat", prompt: ["a", ""], max_tokens: 1 },
    path: "/v1/completions",
    param: "prompt[1]",
  },
  {
    name: "65 prompts",
    body: { model: "chat", prompt: Array(65).fill("x") },
    path: "/v1/completions",
    param: "prompt",
  },
  {
    name: "9 prompts of 8 choices each",
    body: { model: "chat", prompt: Array(9).fill("x"), n: 8 },
    path: "/v1/completions",
    param: "n",
  },
  { name: "one empty prompt", body: { model: "chat", prompt: [""] }, path: "/v1/completions", param: "prompt[0]" },
  { name: "an empty stop string", body: chat({ stop: [""] }), param: "stop[0]" },
  {
    name: "a text part whose text is none",
    body: chat({ messages: [{ role: "user", content: [{ type: "text", text: 7 }] }] }),
    param: "messages[0].content[0].text",
  },
  {
    name: "max_tokens of 0 without echo",
    body: { model: "chat", prompt: "a", max_tokens: 0 },
    path: "/v1/completions",
    param: "max_tokens",
  },
  {
    name: "a long answer beside scores of the prompt, which come in one piece",
    body: chat({ prompt_logprobs: 1, max_tokens: 65 }),
    param: "max_tokens",
  },
  {
    name: "the same over several answers",
    body: chat({ prompt_logprobs: 0, n: 8, max_completion_tokens: 9 }),
    param: "max_completion_tokens",
  },
  {
    name: "a chat with echo, whose prompt vLLM scores, and more scores than that allows",
    body: chat({ echo: true, logprobs: true, top_logprobs: 6 }),
    param: "top_logprobs",
  },
  {
    name: "a chat with echo and a prompt that is too long to be scored",
    body: chat({ echo: true, messages: [{ role: "user", content: "word ".repeat(1_200) }] }),
    param: "echo",
  },
  {
    name: "legacy functions",
    body: chat({ functions: [{ name: "f" }] }),
    code: "unsupported_parameter",
    param: "functions",
  },
  {
    name: "an answer in sound",
    body: chat({ modalities: ["text", "audio"] }),
    code: "unsupported_parameter",
    param: "modalities",
  },
  {
    name: "a search of the web",
    body: chat({ web_search_options: {} }),
    code: "unsupported_parameter",
    param: "web_search_options",
  },
  {
    name: "beam search",
    body: chat({ use_beam_search: true }),
    code: "unsupported_parameter",
    param: "use_beam_search",
  },
  {
    name: "2,001 token ids for an embedding model of 512",
    body: { model: "embed", input: [[1], Array<number>(2_001).fill(1)] },
    path: "/v1/embeddings",
    code: "context_length_exceeded",
    param: "input[1]",
  },
  {
    name: "an empty text among inputs",
    body: { model: "embed", input: ["ok", ""] },
    path: "/v1/embeddings",
    param: "input[1]",
  },
  { name: "embeddings without input", body: { model: "embed" }, path: "/v1/embeddings", param: "input" },
  {
    name: "embeddings of an unknown format",
    body: { model: "embed", input: "x", encoding_format: "hex" },
    path: "/v1/embeddings",
    param: "encoding_format",
  },
  { name: "an Idempotency-Key of 256 characters", body: chat({}), param: "Idempotency-Key" },
];

describe("bad input is named, costs nothing and holds nothing:", () => {
  for (const { name, body, status = 400, code, param, path = "/v1/chat/completions" } of cases) {
    test(`${name}`, async () => {
      const headers: Record<string, string> = name.startsWith("an Idempotency-Key")
        ? { "idempotency-key": "k".repeat(256) }
        : {};
      const response = await world.post(path, org.key, body, headers);
      const answer = (await response.json()) as { error: Record<string, unknown> };
      expect(response.status).toBe(status);
      expect(Object.keys(answer.error).sort()).toEqual(["code", "message", "param", "type"]);
      expect(answer.error["type"]).toBe("invalid_request_error");
      if (code) expect(answer.error["code"]).toBe(code);
      if (param !== undefined) expect(answer.error["param"]).toBe(param);
      expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    });
  }
});

test("a prompt beyond the context is refused by name, and only the attempt counts", async () => {
  const other = await world.newOrg({ tokensPerDay: 1_000_000 });
  const response = await world.post(
    "/v1/chat/completions",
    other.key,
    chat({ messages: [{ role: "user", content: "12345678 ".repeat(20_000) }] }),
  );
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: "context_length_exceeded", param: "messages" } });
  expect(windowOf(await world.ledger(other.id), "tokensPerDay")).toMatchObject({ held: 0, settled: 0 });
});

test("a body of 5 MB is 413 whether or not its length is declared", async () => {
  const text = JSON.stringify(chat({ messages: [{ role: "user", content: "x".repeat(5_000_000) }] }));
  expect((await world.post("/v1/chat/completions", org.key, text)).status).toBe(413);
  const stream = new Blob([text]).stream();
  const streamed = await fetch(`${world.place.edge}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${org.key}` },
    body: stream,
    duplex: "half",
  } as RequestInit);
  expect(streamed.status).toBe(413);
});

test("a compressed body is 415", async () => {
  const response = await fetch(`${world.place.edge}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${org.key}`, "content-encoding": "gzip" },
    body: gzipSync(JSON.stringify(chat({}))),
  });
  expect(response.status).toBe(415);
});

test("bytes that are not UTF-8 are malformed", async () => {
  const bytes = Buffer.concat([
    Buffer.from('{"model":"chat","messages":[{"role":"user","content":"'),
    Buffer.from([0xff, 0xfe, 0xc0]),
    Buffer.from('"}]}'),
  ]);
  const response = await fetch(`${world.place.edge}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${org.key}` },
    body: bytes,
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: "invalid_json" } });
});

test("unknown paths and wrong methods say so", async () => {
  expect(await (await world.post("/v1/nonsense", org.key, {})).json()).toMatchObject({
    error: { code: "unknown_url" },
  });
  const got = await fetch(`${world.place.edge}/v1/chat/completions`);
  expect(got.status).toBe(405);
  expect(await got.json()).toMatchObject({ error: { code: "method_not_allowed" } });
  expect((await fetch(`${world.place.edge}/invocations`, { method: "POST" })).status).toBe(404);
  expect((await fetch(`${world.place.edge}/v1/%2e%2e/control/orgs`)).status).toBeGreaterThanOrEqual(401);
});

test("hostile unicode and a duplicated member are read one way only: ours", async () => {
  const other = await world.newOrg();
  const odd = "\u202e\u0000\ufeff\u{1f9d1}\u200d\u{1f33e}\u0301".repeat(20);
  expect(
    (await world.post("/v1/chat/completions", other.key, chat({ messages: [{ role: "user", content: odd }] }))).status,
  ).toBe(200);
  const twice =
    '{"model":"chat","messages":[{"role":"user","content":"x"}],"max_tokens":2000,"max_tokens":2,"ignore_eos":true}';
  const response = await world.post("/v1/chat/completions", other.key, twice);
  expect(await response.json()).toMatchObject({ usage: { completion_tokens: 2 } });
  await world.settled(other.id);
});

test("fields that the origin owns never reach it", async () => {
  const other = await world.newOrg();
  const owned = {
    priority: -5,
    cache_salt: "theirs",
    request_id: "theirs",
    kv_transfer_params: {},
    vllm_xargs: {},
  };
  const response = await world.post("/v1/chat/completions", other.key, chat(owned));
  expect(response.status).toBe(200);
  expect(await response.text()).not.toMatch(/token_ids":\[/);
});

test("what says nothing is as if it had not been sent: null and empty, for every member", async () => {
  const other = await world.newOrg();
  const unsaid = {
    guided_json: null,
    functions: [],
    function_call: null,
    modalities: ["text"],
    audio: null,
    tools: [],
    tool_choice: null,
    stop: [],
    logit_bias: {},
    response_format: {},
    stream_options: {},
    user: "",
    store: true,
    metadata: { a: "b" },
    service_tier: "auto",
  };
  const response = await world.post("/v1/chat/completions", other.key, chat(unsaid));
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('"chat.completion"')]);
});

test("a prompt is scored: its log-probabilities come back, and nothing but the prompt is billed", async () => {
  const other = await world.newOrg({ tokensPerDay: 100_000 });
  const fields = { model: "chat", prompt: "Once upon a time", echo: true, max_tokens: 0, logprobs: 1 };
  const response = await world.post("/v1/completions", other.key, fields);
  expect(response.status).toBe(200);
  const { choices, usage } = (await response.json()) as {
    choices: { text: string; logprobs: { tokens: string[]; token_logprobs: (number | null)[] } }[];
    usage: Record<string, number>;
  };
  expect(choices[0]?.text).toBe("Once upon a time");
  expect(choices[0]?.logprobs.tokens.slice(0, usage["prompt_tokens"]).join("")).toBe("Once upon a time");
  expect(choices[0]?.logprobs.token_logprobs[0]).toBeNull();
  expect(usage).toMatchObject({ completion_tokens: 0, total_tokens: usage["prompt_tokens"] });
  const rows = await world.settled(other.id);
  expect(rows).toMatchObject([{ end: "completed", completionTokens: 0, promptTokens: usage["prompt_tokens"] }]);
  const streamed = await world.post("/v1/completions", other.key, { ...fields, stream: true });
  expect(await streamed.text()).toMatch(/Once upon a time[\s\S]*\[DONE\]/);
  expect((await world.settled(other.id)).map((row) => row.completionTokens)).toEqual([0, 0]);
});
