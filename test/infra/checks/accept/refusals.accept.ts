import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { worldAt, type Org } from "#test/support/stack/world.ts";
import { workDone } from "./engines.ts";

const world = worldAt(inject("place"));
const message = { role: "user", content: "hi" };
const chat = (fields: Record<string, unknown>) => ({ model: "chat", messages: [message], max_tokens: 1, ...fields });
let org: Org;
let before: { generated: number };

beforeAll(async () => {
  org = await world.newOrg({ requestsPerMinute: 1_000 });
  before = await workDone();
});
afterAll(async () => {
  expect(await world.settled(org.id)).toEqual([]);
  expect((await workDone()).generated).toBe(before.generated);
});

interface Case {
  name: string;
  body: Record<string, unknown>;
  status?: number;
  code: string;
  param?: string | null;
  path?: string;
}

const long = "12345678 ".repeat(1_500);

const cases: Case[] = [
  {
    name: "a prompt far beyond the context",
    body: chat({ messages: [{ role: "user", content: long }] }),
    code: "context_length_exceeded",
    param: "messages",
  },
  {
    name: "a prompt that leaves no room for one token",
    body: { model: "chat", prompt: Array(2_048).fill(300), max_tokens: 1 },
    path: "/v1/completions",
    code: "context_length_exceeded",
    param: "prompt",
  },
  {
    name: "a prompt beyond the context, without max_tokens",
    body: { model: "chat", messages: [{ role: "user", content: long }] },
    code: "context_length_exceeded",
    param: "messages",
  },
  {
    name: "max_tokens beyond the context",
    body: chat({ max_tokens: 2_049 }),
    code: "context_length_exceeded",
    param: "max_tokens",
  },
  { name: "an unknown model", body: chat({ model: "gpt-4" }), status: 404, code: "model_not_found", param: "model" },
  {
    name: "a chat model for embeddings",
    body: { model: "chat", input: "x" },
    path: "/v1/embeddings",
    code: "invalid_value",
    param: "model",
  },
  {
    name: "a token id beyond the vocabulary",
    body: { model: "chat", prompt: [999_999], max_tokens: 1 },
    path: "/v1/completions",
    code: "invalid_value",
    param: "prompt",
  },
  {
    name: "logit_bias beyond the vocabulary",
    body: chat({ logit_bias: { 999999: 1 } }),
    code: "invalid_value",
    param: "logit_bias",
  },
  { name: "five stop strings", body: chat({ stop: ["a", "b", "c", "d", "e"] }), code: "invalid_value", param: "stop" },
  { name: "several greedy choices", body: chat({ n: 2, temperature: 0 }), code: "invalid_value", param: "n" },
  {
    name: "a regular expression that is none",
    body: chat({ structured_outputs: { regex: "(" } }),
    code: "invalid_value",
    param: "structured_outputs",
  },
  {
    name: "a schema that is none",
    body: chat({ response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "nonsense" } } } }),
    code: "invalid_value",
    param: "response_format",
  },
  { name: "min_p above 1", body: chat({ min_p: 5 }), code: "invalid_value", param: "min_p" },
  { name: "top_k of -2", body: chat({ top_k: -2 }), code: "invalid_value", param: "top_k" },
  {
    name: "repetition_penalty of 0",
    body: chat({ repetition_penalty: 0 }),
    code: "invalid_value",
    param: "repetition_penalty",
  },
  {
    name: "min_tokens above max_tokens",
    body: chat({ min_tokens: 5 }),
    code: "invalid_value",
    param: "min_tokens",
  },
  { name: "temperature as text", body: chat({ temperature: "hot" }), code: "invalid_value", param: "temperature" },
  {
    name: "a content part of an unknown kind",
    body: chat({ messages: [{ role: "user", content: [{ type: "hologram", hologram: "x" }] }] }),
    code: "unsupported_parameter",
    param: "messages[0].content[0].type",
  },
  {
    name: "an image for a model of text",
    body: chat({
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] }],
    }),
    code: "unsupported_parameter",
    param: "messages[0].content[0].type",
  },
  {
    name: "a tool_choice without tools",
    body: chat({ tool_choice: "required" }),
    code: "invalid_value",
    param: "tool_choice",
  },
  {
    name: "top_logprobs above vLLM's bound",
    body: chat({ logprobs: true, top_logprobs: 500 }),
    code: "invalid_value",
    param: "top_logprobs",
  },
  {
    name: "ids of the tokens",
    body: chat({ return_token_ids: true }),
    code: "unsupported_parameter",
    param: "return_token_ids",
  },
  {
    name: "guided_json, which new vLLMs ignore",
    body: chat({ guided_json: { type: "object" } }),
    code: "unsupported_parameter",
    param: "guided_json",
  },
];

/** What only an engine would say. */
const engineWords =
  // oxfmt-ignore
  /vllm|pydantic|BadRequest|Bad Request|validation error|Traceback|\.py|grammar|127\.0\.0\.1|max_model_len|hologram/i;

describe("bad input over a real vLLM is named in our words, costs nothing and holds nothing:", () => {
  for (const stream of [false, true]) {
    test.each(cases)(
      `$name${stream ? ", streamed" : ""}`,
      async ({ body, status = 400, code, param, path = "/v1/chat/completions" }) => {
        const asked = path === "/v1/embeddings" ? body : { ...body, stream };
        const response = await world.post(path, org.key, asked);
        const text = await response.text();
        expect(response.headers.get("content-type"), text).toBe("application/json");
        const { error } = JSON.parse(text);
        expect({ status: response.status, code: error.code }, text).toEqual({ status, code });
        expect(Object.keys(error).sort()).toEqual(["code", "message", "param", "type"]);
        expect(error.type).toBe("invalid_request_error");
        if (param !== undefined) expect(error.param).toBe(param);
        expect(text).not.toMatch(engineWords);
        expect(response.headers.get("x-request-id")).toMatch(/^req_/);
      },
    );
  }
});
