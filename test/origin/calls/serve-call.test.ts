import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { answerJson, textChunks, streamChunks } from "#test/support/fakes/fake-engine.ts";
import { org, saltSecret, until } from "#test/support/fakes/origin.ts";
import { loadHeader } from "#edge/agreements/records/node.ts";
import { openCallWorld, pause, whole } from "./world.ts";

const world = openCallWorld();

describe("what the engine is sent", () => {
  test("is our own body: reserved fields, the engine's model name, the org's salt; no header of the edge", async () => {
    world.engine.script = (response) => streamChunks(response, textChunks(["a"]));
    const { hold } = await world.ask({
      stream: true,
      priority: -5,
      cache_salt: "mine",
      request_id: "x",
      user: "someone",
      brand_new: { a: 1 },
      stop: [],
      top_k: 3,
      max_tokens: 50,
    });
    const [call] = world.engine.calls;
    expect(call?.body).toEqual({
      model: "engine/name",
      messages: [{ role: "user", content: "Hi" }],
      stream: true,
      top_k: 3,
      max_tokens: 50,
      max_completion_tokens: 50,
      stream_options: { include_usage: true, continuous_usage_stats: true },
      stream_interval: 1,
      cache_salt: createHmac("sha256", Buffer.from(saltSecret, "base64url")).update(org).digest("base64url"),
    });
    expect(call?.headers["x-request-id"]).toBe(hold);
    expect(Object.keys(call?.headers ?? {}).toSorted()).toEqual([
      "accept",
      "content-length",
      "content-type",
      "host",
      "x-request-id",
    ]);
  });

  test.each([
    ["no bound", {}, 1_000],
    ["less than held", { max_tokens: 10 }, 10],
    ["more than held", { max_tokens: 5_000 }, 1_000],
    ["max_completion_tokens wins", { max_tokens: 900, max_completion_tokens: 20 }, 20],
    ["max_completion_tokens over the hold", { max_tokens: 10, max_completion_tokens: 5_000 }, 1_000],
    ["null is no bound", { max_tokens: 30, max_completion_tokens: null }, 30],
  ])("max_tokens is never above the hold: %s", async (_, body, expected) => {
    world.engine.script = (response) => answerJson(response, 200, whole());
    await world.ask(body);
    expect(world.engine.calls[0]?.body).toMatchObject({
      max_tokens: expected,
      max_completion_tokens: expected,
    });
  });

  test.each([
    ["max_tokens", { max_tokens: "1e3" }],
    ["max_tokens", { max_tokens: -1 }],
    ["max_completion_tokens", { max_completion_tokens: 1.5 }],
    ["n", { n: 9 }],
    ["guided_json", { guided_json: { type: "object" } }],
    ["chat_template", { chat_template: "{{x}}" }],
    ["bad_words[0]", { bad_words: ["x".repeat(65)] }],
    [
      "messages[0].content[0].prompt_embeds",
      { messages: [{ role: "user", content: [{ type: "prompt_embeds", data: "x" }] }] },
    ],
    [
      "response_format.json_schema.schema.pattern",
      { response_format: { type: "json_schema", json_schema: { name: "a", schema: { pattern: "a{65}" } } } },
    ],
    [
      "messages[0].content[0].image_url.url",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "http://169.254.169.254/" } }] }] },
    ],
  ])("a bad %s is refused before the engine sees it", async (param, body) => {
    const { status, text } = await world.ask(body);
    expect(status).toBe(400);
    expect(JSON.parse(text).error.param).toBe(param);
    expect(world.engine.calls).toHaveLength(0);
  });
});

describe("an engine of eight sequences", () => {
  const small = openCallWorld({ sequencesMax: 8 });
  const other = "org_9876543210";
  const read = ({ status, headers, text }: Awaited<ReturnType<typeof small.ask>>) => ({
    status,
    share: headers["x-penstock-org-share"],
    error: status === 200 ? null : JSON.parse(text).error,
  });

  test("takes six for one org and none more, and has room for another at once", async () => {
    const held: (() => void)[] = [];
    small.engine.script = async (response) => {
      await new Promise<void>((resolve) => held.push(resolve));
      answerJson(response, 200, whole());
    };
    const first = small.ask({ n: 6 });
    await until(() => held.length === 1);
    expect(read(await small.ask())).toMatchObject({
      status: 503,
      share: "full",
      error: { code: "server_is_overloaded", message: expect.stringContaining("one organization") },
    });
    const second = small.ask({ n: 2 }, { org: other });
    await until(() => held.length === 2);
    expect(read(await small.ask({}, { org: "org_1111111111" }))).toMatchObject({ status: 503, share: undefined });
    const refusals = small.setup.logs.filter((line) => line.includes('"refused"'));
    expect(refusals.map((line) => JSON.parse(line).why)).toEqual(["org_share_full", "engine_full"]);
    for (const end of held) end();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    small.engine.script = (response) => answerJson(response, 200, whole());
    expect((await small.ask()).status).toBe(200);
  });

  test("refuses what it would not take if it were idle, and says which number is too large", async () => {
    expect(read(await small.ask({ n: 7 }))).toMatchObject({
      status: 400,
      error: { code: "invalid_value", param: "n", message: expect.stringContaining("at most 6") },
    });
    expect(small.engine.calls).toHaveLength(0);
  });
});

test("a node whose clock differs from the edge's gives a call the time that the edge gave it", async () => {
  world.engine.script = async (response) => {
    await pause(300);
    answerJson(response, 200, whole());
  };
  for (const driftMs of [-25_000, 25_000]) {
    const issuedAtMs = Date.now() + driftMs;
    const { status } = await world.ask({}, { issuedAtMs, deadlineMs: issuedAtMs + 10_000 });
    expect(status).toBe(200);
  }
});

test("one long call for scores at a time: another is told to come again by a node that is well", async () => {
  const scored = { prompt_logprobs: 1, max_tokens: 1 };
  const claims = { promptTokensGuess: 4_000, tokensHeld: 20_000 };
  let finish = () => {};
  world.engine.script = (response) => void (finish = () => answerJson(response, 200, whole()));
  const first = world.ask(scored, claims);
  await until(() => world.engine.calls.length === 1);
  const second = await world.ask(scored, claims);
  expect([second.status, JSON.parse(second.text).error.code]).toEqual([503, "server_is_overloaded"]);
  // The load tells the edge that the node answers: its breaker stays closed.
  expect(second.headers).toMatchObject({ "retry-after": "1", [loadHeader]: expect.any(String) });
  expect(world.engine.calls).toHaveLength(1);
  finish();
  expect((await first).status).toBe(200);
  world.engine.script = (response) => answerJson(response, 200, whole());
  expect((await world.ask(scored, claims)).status).toBe(200);
});

test("a call past its deadline is a timeout, and its engine is stopped", async () => {
  world.engine.script = () => {};
  const { status, text } = await world.ask({}, { deadlineMs: Date.now() + 100 });
  expect([status, JSON.parse(text).error.code]).toEqual([504, "gateway_timeout"]);
  await until(() => world.engine.calls[0]?.isAborted === true);
});

test("a model that this node does not serve is a fault of configuration", async () => {
  const { status, text } = await world.ask({}, { model: "other" });
  expect([status, JSON.parse(text).error.code]).toEqual([502, "bad_gateway"]);
});
