import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CallEndpoint, TokenizerPath } from "#edge/agreements/paths.ts";
import { admissionCountsPerOrg, tokenizersAtOnce, tokenizersPerOrg } from "#edge/limits.ts";
import { answerTokenizer } from "#origin/door/tokenizer.ts";
import { openEngine, type Engine } from "#origin/engines/http/client.ts";
import { answerJson, startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";
import { hopClaims, until } from "#test/support/fakes/origin.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

let fake: FakeEngine;
let engine: Engine;
beforeEach(async () => {
  fake = await startFakeEngine();
  fake.tokens = 3;
  engine = openEngine({ kind: "vllm", url: fake.url, models: { public: "own" } });
});
afterEach(async () => {
  engine.close();
  await fake.close();
});

type Pool = Parameters<typeof answerTokenizer>[0]["pool"];
function answer(
  path: TokenizerPath,
  body: unknown,
  over: { endpoint?: CallEndpoint; model?: string; org?: string } = {},
) {
  const pool = { findServing: () => ({ engine }) } as unknown as Pool;
  const claims = hopClaims({ model: "public", ...over });
  return answerTokenizer({ pool }, path, { claims, body: Buffer.from(JSON.stringify(body)) });
}
const messages = [{ role: "user", content: "Hi" }];

describe("a tokenizer that the edge asks", () => {
  test("counts a prompt, and does not give its tokens", async () => {
    expect(await answer("/tokenize", { messages })).toEqual({ count: 3, max_model_len: 100 });
    await expectRefusal(() => answer("/tokenize", { messages: 7 }), "invalid_value", "messages");
    fake.tokens = null;
    await expectRefusal(() => answer("/tokenize", { messages }), "bad_gateway");
  });

  test("of an engine that has none is refused by name, so that another node may have one", async () => {
    engine.close();
    engine = openEngine({ kind: "openai", url: fake.url, models: { public: "own" } });
    await expectRefusal(() => answer("/tokenize", { messages }), "unsupported_parameter", "model");
    await expectRefusal(() => answer("/tokenizer/tokens", { prompt: "x" }), "unsupported_parameter", "model");
  });

  test("lists the tokens of a text and of a chat", async () => {
    const tokens = { tokens: [1, 1, 1], token_strs: null };
    expect(await answer("/tokenizer/tokens", { prompt: "abc", return_token_strs: true })).toEqual(tokens);
    expect(await answer("/tokenizer/tokens", { messages, max_tokens: 5 })).toEqual(tokens);
  });

  test("writes tokens under the engine's own name of the model, and tells what it is like", async () => {
    fake.script = (response, { path }) =>
      answerJson(response, 200, path === "/detokenize" ? { prompt: "Hi" } : { tokenizer_class: "X" });
    expect(await answer("/tokenizer/text", { tokens: [1, 2] })).toEqual({ prompt: "Hi" });
    expect(fake.calls[0]?.body).toEqual({ model: "own", tokens: [1, 2] });
  });

  test.each([
    ["/tokenizer/tokens", {}, "prompt"],
    ["/tokenizer/tokens", { prompt: 7 }, "prompt"],
    ["/tokenizer/tokens", { prompt: "x", add_special_tokens: 1 }, "add_special_tokens"],
    ["/tokenizer/tokens", { messages: [{ role: "user", content: 7 }] }, "messages[0].content"],
    ["/tokenizer/tokens", { messages, return_token_strs: "x" }, "return_token_strs"],
    ["/tokenizer/text", { tokens: [-1] }, "tokens[0]"],
    ["/tokenizer/text", {}, "tokens"],
  ] as const)("trusts no edge: at %s %j is refused by name", async (path, body, param) => {
    await expectRefusal(() => answer(path, body), "invalid_value", param);
    expect(fake.calls).toEqual([]);
  });

  test("fetches no address for a chat", async () => {
    const content = [{ type: "image_url", image_url: { url: "http://169.254.169.254/" } }];
    await expectRefusal(() => answer("/tokenizer/tokens", { messages: [{ role: "user", content }] }), "invalid_value");
  });

  test("works at so many questions of an org at a time, and is free again behind them", async () => {
    const waiting: (() => void)[] = [];
    fake.script = (response) => void waiting.push(() => answerJson(response, 200, { prompt: "Hi" }));
    const ask = () => answer("/tokenizer/text", { tokens: [1] });
    const first = Array.from({ length: tokenizersPerOrg }, ask);
    await expectRefusal(ask, "server_is_overloaded");
    await until(() => waiting.length === tokenizersPerOrg);
    waiting.splice(0).forEach((end) => end());
    await Promise.all(first);
    fake.script = (response) => answerJson(response, 200, { prompt: "Hi" });
    expect(await ask()).toEqual({ prompt: "Hi" });
  });

  test("counts for calls to be admitted, whatever callers ask meanwhile", async () => {
    const waiting: (() => void)[] = [];
    fake.script = (response) => void waiting.push(() => answerJson(response, 200, { prompt: "Hi" }));
    const orgs = Array.from({ length: tokenizersAtOnce / tokenizersPerOrg }, (_, at) => `org_${at}123456789`);
    const ask = (org: string) => answer("/tokenizer/text", { tokens: [1] }, { org });
    const questions = orgs.flatMap((org) => Array.from({ length: tokenizersPerOrg }, () => ask(org)));
    for (const org of [orgs[0] ?? "", "org_other12345"]) await expectRefusal(() => ask(org), "server_is_overloaded");
    const count = (path: TokenizerPath = "/tokenize") => answer(path, { messages }, { org: orgs[0] ?? "" });
    await expectRefusal(() => count("/tokenizer/length"), "server_is_overloaded");
    const counts = Array.from({ length: admissionCountsPerOrg }, () => count());
    await expectRefusal(() => count(), "server_is_overloaded");
    await until(() => waiting.length === tokenizersAtOnce);
    expect(await Promise.all(counts)).toEqual(counts.map(() => ({ count: 3, max_model_len: 100 })));
    waiting.splice(0).forEach((end) => end());
    await Promise.all(questions);
  });

  test("of a model that is not served here is a bad gateway", async () => {
    await expectRefusal(() => answer("/tokenizer/text", { tokens: [1] }, { model: "other" }), "bad_gateway");
  });
});
