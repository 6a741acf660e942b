import { createSecretKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Refusal } from "#edge/errors.ts";
import type { EngineKind } from "#origin/config.ts";
import { openEngine } from "#origin/engines/http/client.ts";
import type { CallPath } from "#edge/agreements/paths.ts";
import { dialects, openaiFields } from "#origin/engines/dialects.ts";
import { computeCacheSalt, prepareCall, setCompletionMax } from "#origin/calls/prepare.ts";
import { hopClaims, saltKey } from "#test/support/fakes/origin.ts";

const messages = [{ role: "user", content: "Hi" }];
const claims = hopClaims();
const openKind = (kind: EngineKind) => openEngine({ kind, url: "http://127.0.0.1:9", models: { public: "own" } });
const prepare = (body: unknown, kind: EngineKind = "vllm", path: CallPath = "/v1/chat/completions") =>
  prepareCall({
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
    path,
    claims,
    engine: openKind(kind),
    cacheSaltKey: saltKey,
  });

describe("a call made ready", () => {
  test("numbers reach the engine with the digits that the edge sent", () => {
    const tools =
      '[{"type":"function","function":{"name":"f","parameters":{"const":2512292042121000001,"x":[1e400,-0,1.10]}}}]';
    const { body } = prepare(
      `{"messages":${JSON.stringify(messages)},"tools":${tools},"n":1.0,"max_tokens":1.0,` +
        `"logit_bias":{"5":1.0},"temperature":1.10}`,
    );
    expect(JSON.stringify(body)).toContain(`"tools":${tools}`);
    expect(JSON.stringify(body)).toContain('"temperature":1.10');
    expect(body).toMatchObject({ n: 1, max_tokens: 1, logit_bias: { "5": 1 } });
    expect(() => prepare(`{"messages":[{"role":"user","content":"Hi"}],"x":${"9".repeat(300)}}`)).toThrow(Refusal);
  });

  test("cache salts differ by org and secret, are the same for the same org, and do not show it", () => {
    const salt = computeCacheSalt("org_0123456789", saltKey);
    expect(salt).toMatch(/^[\w-]{43}$/);
    expect(computeCacheSalt("org_0123456789", saltKey)).toBe(salt);
    expect(computeCacheSalt("org_0123456780", saltKey)).not.toBe(salt);
    expect(computeCacheSalt("org_0123456789", createSecretKey(Buffer.alloc(32, 8)))).not.toBe(salt);
  });

  test("long answers beside prompt_logprobs are refused here too, where the engine answers in one piece", () => {
    const ask = (over: object, kind?: EngineKind) => () => prepare({ messages, prompt_logprobs: 1, ...over }, kind);
    expect(ask({ max_tokens: 65 })).toThrow(Refusal);
    expect(ask({ max_tokens: 9, n: 8 })).toThrow(Refusal);
    expect(ask({})).toThrow(Refusal);
    expect(ask({ max_tokens: 8, n: 8 })).not.toThrow();
    expect(ask({ max_tokens: 65 }, "openai")).not.toThrow();
  });

  test("a long prompt that is to be scored is told by the edge's estimate, else by what is held", () => {
    const isLong = (body: object, promptTokensGuess?: number) =>
      prepareCall({
        body: Buffer.from(JSON.stringify({ messages, max_tokens: 1, ...body })),
        path: "/v1/chat/completions",
        claims: { ...claims, tokensHeld: 9_000, ...(promptTokensGuess !== undefined && { promptTokensGuess }) },
        engine: openKind("vllm"),
        cacheSaltKey: saltKey,
      }).isLongScore;
    expect(isLong({ prompt_logprobs: 0 }, 1_025)).toBe(true);
    expect(isLong({ echo: true }, 1_025)).toBe(true);
    expect(isLong({ prompt_logprobs: 0 })).toBe(true);
    expect(isLong({ prompt_logprobs: 0 }, 1_024)).toBe(false);
    expect(isLong({ logprobs: true }, 100_000)).toBe(false);
  });

  test.each<[EngineKind, string[]]>([
    ["vllm", ["max_tokens", "max_completion_tokens", "cache_salt", "top_k"]],
    ["simulator", ["max_tokens", "max_completion_tokens", "cache_salt", "top_k"]],
    ["openai", ["max_tokens"]],
    ["ollama", ["max_tokens", "top_k"]],
    ["llama-server", ["max_tokens"]],
    ["llamacpp", ["max_tokens", "cache_salt", "top_k"]],
  ])("%s is sent what it understands", (kind, members) => {
    const { body } = prepare({ messages, top_k: 3, stream: true }, kind);
    for (const name of ["max_tokens", "max_completion_tokens", "cache_salt", "top_k"])
      expect(name in body).toBe(members.includes(name));
    expect(body["model"]).toBe("own");
    expect(body["stream_options"]).toEqual(
      dialects[kind].hasContinuousUsage
        ? { include_usage: true, continuous_usage_stats: true }
        : { include_usage: true },
    );
    expect(kind !== "openai" || Object.keys(body).every((name) => openaiFields.has(name))).toBe(true);
  });

  test("llama.cpp's server is sent no other bound, no slot, and caches no prompt for others", () => {
    const { body } = prepare(
      {
        messages,
        n_cmpl: 8,
        id_slot: 1,
        lora: [],
        ignore_eos: true,
        cache_prompt: true,
        seed: 1,
      },
      "llama-server",
    );
    expect(body).toEqual({
      messages,
      seed: 1,
      model: "own",
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: expect.any(Number),
      cache_prompt: false,
    });
    expect(prepare({ input: "x" }, "llama-server", "/v1/embeddings").body).toEqual({
      input: "x",
      model: "own",
      stream: false,
    });
  });

  test("completions have the old name of the bound alone, and count their prompts", () => {
    const prepared = prepare({ prompt: ["a", "b", "c"], n: 2, max_tokens: 9, echo: true }, "vllm", "/v1/completions");
    expect(prepared.body).toMatchObject({ max_tokens: 9 });
    expect(prepared.body).not.toHaveProperty("max_completion_tokens");
    expect(prepared).toMatchObject({
      choices: 6,
      bounds: { completionTokensMax: 6_000, choicesPerPrompt: 2, echoChunks: 6 },
    });
    expect(prepare({ prompt: [1, 2, 3] }, "vllm", "/v1/completions").choices).toBe(1);
  });

  test("embeddings never stream and have no completion", () => {
    const prepared = prepare({ input: "x", stream: true, max_tokens: 5 }, "vllm", "/v1/embeddings");
    expect(prepared).toMatchObject({
      isStream: false,
      isEngineStream: false,
      choices: 0,
      bounds: { completionTokensMax: 0 },
    });
    expect(prepared.body).not.toHaveProperty("max_tokens");
  });

  test("a medium's name is the org's own at the engine, and nothing else of a part is changed", () => {
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AA" } };
    const nameFor = (uuid: string, org = claims.org) => {
      const content = [
        { type: "text", text: "a" },
        { ...image, uuid },
      ];
      const body = Buffer.from(JSON.stringify({ messages: [...messages, { role: "user", content }] }));
      const path = "/v1/chat/completions" as const;
      const call = { body, path, claims: { ...claims, org }, engine: openKind("vllm"), cacheSaltKey: saltKey };
      const sent = JSON.parse(JSON.stringify(prepareCall(call).body["messages"]));
      expect(sent).toMatchObject([messages[0], { role: "user", content: [{ type: "text", text: "a" }, image] }]);
      return sent[1].content[1].uuid;
    };
    expect(nameFor("invoice-1")).toMatch(/^[\w-]{43}$/);
    expect(nameFor("invoice-1")).toBe(nameFor("invoice-1"));
    expect(nameFor("invoice-1")).not.toBe(nameFor("invoice-2"));
    expect(nameFor("invoice-1")).not.toBe(nameFor("invoice-1", "org_0123456780"));
  });

  test.each(["", "[]", "null", "1", '"x"', "{"])("a body of %j is refused", (text) => {
    expect(() => prepare(text)).toThrow(Refusal);
  });

  test.each<[EngineKind, unknown]>([
    ["vllm", 1],
    ["openai", undefined],
    ["ollama", undefined],
    ["llamacpp", undefined],
  ])("%s is asked for a whole answer as a stream, a token a chunk, with all that it thinks", (kind, interval) => {
    const fields = { stream_interval: 99, include_reasoning: false };
    const prepared = prepare({ messages, ...fields }, kind);
    expect(prepared).toMatchObject({ isStream: false, isEngineStream: true, hidesReasoning: true });
    expect(prepared.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(prepared.body["stream_interval"]).toBe(interval);
    expect(prepared.body).not.toHaveProperty("include_reasoning");
    expect(prepare({ messages }, kind).hidesReasoning).toBe(false);
  });

  test("what an engine can only answer in one piece is asked for in one, and without a stream's members", () => {
    const { isEngineStream, body } = prepare({ messages, prompt_logprobs: 0, max_tokens: 64 });
    expect([isEngineStream, body["stream"]]).toEqual([false, false]);
    for (const name of ["stream_options", "stream_interval"]) expect(body).not.toHaveProperty(name);
    expect(prepare({ messages, prompt_logprobs: null }).isEngineStream).toBe(true);
    expect(prepare({ messages, prompt_logprobs: 0 }, "openai").isEngineStream).toBe(true);
  });

  test("a bound set anew goes under every name that the engine reads", () => {
    const body = {};
    setCompletionMax(body, "/v1/chat/completions", openKind("vllm"), 5);
    expect(body).toEqual({ max_tokens: 5, max_completion_tokens: 5 });
  });
});
