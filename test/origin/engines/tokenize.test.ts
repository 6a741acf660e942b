import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { openEngine } from "#origin/engines/http/client.ts";
import { countPromptTokens, countTextTokens, guessPrompt, guessText } from "#origin/engines/tokenize.ts";
import { startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";

let fake: FakeEngine;
afterEach(() => fake?.close());

describe("counting a prompt", () => {
  test("is done by the engine, template and tools included; token ids count themselves; texts are summed", async () => {
    fake = await startFakeEngine();
    const engine = openEngine({ kind: "vllm", url: fake.url, models: { a: "a" } });
    expect(await countPromptTokens(engine, { model: "a", messages: [] })).toEqual({ tokens: 7, contextTokensMax: 100 });
    expect(await countPromptTokens(engine, { model: "a", prompt: [1, 2, 3] })).toEqual({
      tokens: 3,
      contextTokensMax: null,
    });
    expect(await countPromptTokens(engine, { model: "a", input: ["x", "y"] })).toEqual({
      tokens: 14,
      contextTokensMax: 100,
    });
    expect(await countPromptTokens(engine, { model: "a", prompt: [[1, 2], [3]] })).toEqual({
      tokens: 3,
      contextTokensMax: null,
    });
    // Both texts of each pair; a query that stands beside each document is asked for once.
    expect(await countPromptTokens(engine, { model: "a", query: "q", documents: ["x", "y", "z"] })).toEqual({
      tokens: 42,
      contextTokensMax: 100,
    });
    expect(await countTextTokens(engine, "a", "text")).toBe(7);
    engine.close();
  });

  test("by llama.cpp's server takes the template first, and then its tokens", async () => {
    const requests: [string, unknown][] = [];
    let isSound = true;
    const server = createServer(async (request, response) => {
      requests.push([request.url ?? "", JSON.parse(await text(request))]);
      if (!isSound) return void response.end("[]");
      response.end(JSON.stringify(request.url === "/apply-template" ? { prompt: "<user>hi" } : { tokens: [2, 9, 9] }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const engine = openEngine({
      kind: "llama-server",
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      models: { a: "a" },
    });
    const messages = [{ role: "user", content: "hi" }];
    expect(await countPromptTokens(engine, { model: "a", messages, temperature: 1 })).toEqual({
      tokens: 3,
      contextTokensMax: null,
    });
    expect(await countPromptTokens(engine, { model: "a", prompt: ["x", [4, 5]] })).toEqual({
      tokens: 5,
      contextTokensMax: null,
    });
    expect(await countTextTokens(engine, "a", "made")).toBe(3);
    expect(requests).toEqual([
      ["/apply-template", { model: "a", messages }],
      ["/tokenize", { model: "a", content: "<user>hi", add_special: true, parse_special: true }],
      ["/tokenize", { model: "a", content: "x", add_special: true, parse_special: true }],
      ["/tokenize", { model: "a", content: "made", add_special: false, parse_special: true }],
    ]);
    isSound = false;
    expect([
      await countPromptTokens(engine, { model: "a", messages }),
      await countTextTokens(engine, "a", "made"),
    ]).toEqual([null, null]);
    engine.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test("is null when the engine has no tokenizer or does not answer", async () => {
    fake = await startFakeEngine();
    fake.tokens = null;
    const without = openEngine({ kind: "openai", url: fake.url, models: { a: "a" } });
    const failing = openEngine({ kind: "vllm", url: fake.url, models: { a: "a" } });
    const gone = openEngine({ kind: "vllm", url: "http://127.0.0.1:9", models: { a: "a" } });
    for (const engine of [without, failing, gone]) {
      expect(await countPromptTokens(engine, { model: "a", messages: [] })).toBeNull();
      engine.close();
    }
  });

  test("is a guess of a token for four characters where nothing better is known", () => {
    expect(guessText("abcdefgh")).toBe(2);
    expect(guessPrompt({ prompt: "abcdef" })).toBe(2);
  });
});
