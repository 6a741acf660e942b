import { createHmac } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  answerJson,
  chunk,
  openStream,
  startFakeEngine,
  textChunks,
  streamChunks,
  usage,
  type FakeEngine,
} from "#test/support/fakes/fake-engine.ts";
import { org, readAnswer, saltSecret, setUp, until, type Setup } from "#test/support/fakes/origin.ts";

let engine: FakeEngine;
let setup: Setup;

beforeAll(async () => {
  engine = await startFakeEngine();
  setup = await setUp(engine.url, { limits: { wholeSilenceMsMax: 300, pingMs: 50 } });
});
afterAll(async () => {
  await setup.stop();
  await engine.close();
});
afterEach(() => {
  engine.calls = [];
  engine.tokens = 7;
  engine.contextTokensMax = 100;
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const whole = (over: Record<string, unknown> = {}) => ({
  id: "chatcmpl-whole",
  object: "chat.completion",
  created: 1,
  model: "engine/name",
  choices: [{ index: 0, message: { role: "assistant", content: "four words of text" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 7, total_tokens: 11, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 5 } },
  kv_transfer_params: null,
  ...over,
});
const contextError = {
  error: {
    message: "This model's maximum context length is 100 tokens.",
    type: "BadRequestError",
    param: "input_tokens",
    code: 400,
  },
};

async function ask(body: Record<string, unknown> = {}, claims: Record<string, unknown> = {}, path?: string) {
  const { answer, hold } = await setup.open(body, claims, path);
  return { ...(await readAnswer(await answer)), hold };
}

async function recordOf(hold: string) {
  await until(() => setup.edge.records.some((record) => record.hold === hold));
  return setup.edge.records.filter((record) => record.hold === hold);
}

describe("what the engine is sent", () => {
  test("our own body: owned fields set, the engine's name for the model, the org's cache salt, the hold as request id, and no header of the edge's", async () => {
    engine.script = (response) => streamChunks(response, textChunks(["a"]));
    const { hold } = await ask({
      stream: true,
      priority: -5,
      cache_salt: "mine",
      request_id: "x",
      chat_template: "{{x}}",
      top_k: 3,
      max_tokens: 50,
    });
    const [call] = engine.calls;
    expect(call?.body).toEqual({
      model: "engine/name",
      messages: [{ role: "user", content: "Hi" }],
      stream: true,
      top_k: 3,
      max_tokens: 50,
      max_completion_tokens: 50,
      stream_options: { include_usage: true, continuous_usage_stats: true },
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
    ["nothing said", {}, 1_000],
    ["less than held", { max_tokens: 10 }, 10],
    ["more than held", { max_tokens: 5_000 }, 1_000],
    ["max_completion_tokens wins", { max_tokens: 900, max_completion_tokens: 20 }, 20],
    ["max_completion_tokens over the hold", { max_tokens: 10, max_completion_tokens: 5_000 }, 1_000],
    ["null is not said", { max_tokens: 30, max_completion_tokens: null }, 30],
  ])("max_tokens is never above the hold: %s", async (_, body, expected) => {
    engine.script = (response) => answerJson(response, 200, whole());
    await ask(body);
    expect(engine.calls[0]?.body).toMatchObject({
      max_tokens: expected,
      max_completion_tokens: expected,
      stream: false,
    });
    expect(engine.calls[0]?.body).not.toHaveProperty("stream_options");
  });

  test.each([
    ["max_tokens", { max_tokens: "1e3" }],
    ["max_tokens", { max_tokens: -1 }],
    ["max_completion_tokens", { max_completion_tokens: 1.5 }],
    ["n", { n: 9 }],
    ["guided_json", { guided_json: {} }],
    [
      "messages[0].content[0].image_url.url",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "http://169.254.169.254/" } }] }] },
    ],
  ])("a bad %s is refused before the engine sees it", async (param, body) => {
    const { status, text } = await ask(body);
    expect(status).toBe(400);
    expect(JSON.parse(text).error.param).toBe(param);
    expect(engine.calls).toHaveLength(0);
  });
});

describe("a whole answer", () => {
  test("carries the public model id and the usage that is billed, and nothing of vLLM's own affairs", async () => {
    engine.script = (response) => answerJson(response, 200, whole());
    const { status, text, hold, headers } = await ask();
    expect(status).toBe(200);
    expect(headers["x-penstock-load"]).toMatch(/^run=1 wait=0 kv=0\.000 held=10000$/);
    const { kv_transfer_params: _, ...expected } = whole({ model: "public" });
    expect(JSON.parse(text)).toEqual(expected);
    expect(await recordOf(hold)).toMatchObject([
      {
        isFinal: true,
        promptTokens: 7,
        cachedTokens: 5,
        completionTokens: 4,
        outcome: "completed",
        responseId: "chatcmpl-whole",
      },
    ]);
  });

  test("tells the edge, when enough calls have ended, what this org's calls to this model are like: not those of others, and not before", async () => {
    const habitAfter = async (calls: number, claims: Record<string, unknown>) => {
      for (let at = 0; at < calls; at++) await ask({}, claims);
      return (await ask({}, claims)).headers["x-penstock-profile"];
    };
    engine.script = (response) => answerJson(response, 200, whole());
    const mine = { org: "org_habits0001", promptTokensGuess: 5 };
    expect(await habitAfter(15, mine)).toBeUndefined();
    expect(await habitAfter(0, mine)).toBe("out=4 cached=5 ratio=1.400");
    expect(await habitAfter(0, { org: "org_habits0002" })).toBeUndefined();
    engine.script = (response) => streamChunks(response, textChunks(["a"]));
    const { headers } = await ask({ stream: true }, mine);
    expect(headers["x-penstock-profile"]).toMatch(/^out=4 cached=5 ratio=1\.4/);
  });

  test("gets its usage from the tokenizer when the engine tells none", async () => {
    engine.script = (response) => answerJson(response, 200, whole({ usage: undefined }));
    const { text, hold } = await ask();
    expect(JSON.parse(text).usage).toEqual({ prompt_tokens: 7, completion_tokens: 7, total_tokens: 14 });
    expect(await recordOf(hold)).toMatchObject([{ promptTokens: 7, completionTokens: 7 }]);
  });

  test("is never billed as nothing when there is text", async () => {
    engine.script = (response) =>
      answerJson(response, 200, whole({ usage: { prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 } }));
    const { hold } = await ask();
    expect(await recordOf(hold)).toMatchObject([{ completionTokens: 1 }]);
  });

  test("embeddings are billed their prompt", async () => {
    engine.script = (response) =>
      answerJson(response, 200, {
        object: "list",
        model: "engine/name",
        data: [{ index: 0, embedding: [0.1, -2e-7] }],
        usage: { prompt_tokens: 3, total_tokens: 3, completion_tokens: 0 },
      });
    const { text, hold } = await ask(
      { input: "abc", messages: undefined },
      { endpoint: "embeddings", completionTokensMax: 0 },
      "/v1/embeddings",
    );
    expect(JSON.parse(text)).toMatchObject({
      model: "public",
      data: [{ embedding: [0.1, -2e-7] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
    expect(engine.calls[0]?.body).not.toHaveProperty("max_tokens");
    expect(await recordOf(hold)).toMatchObject([{ promptTokens: 3, completionTokens: 0, outcome: "completed" }]);
  });

  test.each([
    ["no JSON", "<html>"],
    ["an error with status 200", JSON.stringify({ error: { message: "x" } })],
    ["choices that are null", JSON.stringify(whole({ choices: null }))],
    ["no choice", JSON.stringify(whole({ choices: [] }))],
    [
      "a choice that the engine gave up",
      JSON.stringify(whole({ choices: [{ index: 0, message: { content: "x" }, finish_reason: "abort" }] })),
    ],
  ])("%s is a bad gateway and leaves no record", async (_, body) => {
    engine.script = (response) => answerJson(response, 200, body);
    const { status, text, hold } = await ask();
    expect(status).toBe(502);
    expect(JSON.parse(text).error).toMatchObject({ code: "bad_gateway", param: null });
    await pause(150);
    expect(setup.edge.records.filter((record) => record.hold === hold)).toHaveLength(0);
  });

  test("an answer that breaks off in its body is a bad gateway, not half an answer", async () => {
    engine.script = (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"id":"x","choices":[');
      setTimeout(() => response.destroy(), 20);
    };
    expect((await ask()).status).toBe(502);
  });

  test("one that takes long is kept alive with white space, which is still JSON", async () => {
    engine.script = async (response) => {
      await pause(500);
      answerJson(response, 200, whole());
    };
    const { status, text, hold } = await ask();
    expect(status).toBe(200);
    expect(text).toMatch(/^ {2,}\{/);
    expect(JSON.parse(text).model).toBe("public");
    expect(await recordOf(hold)).toMatchObject([{ isFinal: true, completionTokens: 4 }]);
  });

  test("one that fails after white space was sent is cut, so that nobody takes it for an answer", async () => {
    engine.script = async (response) => {
      await pause(400);
      answerJson(response, 500, {});
    };
    const { isCut, text, hold } = await ask();
    expect([isCut, text.trim()]).toEqual([true, ""]);
    expect(await recordOf(hold)).toMatchObject([{ isFinal: true, completionTokens: 0, outcome: "failed" }]);
  });

  test("a caller who leaves before it comes stops the engine, and her prompt is noted, not settled: a retry may still settle the hold", async () => {
    engine.script = () => {};
    const { request, hold } = await setup.open();
    await until(() => engine.calls.length === 1);
    request.destroy();
    await until(() => engine.calls[0]?.isAborted === true);
    expect(await recordOf(hold)).toMatchObject([
      { isFinal: false, promptTokens: 7, completionTokens: 0, outcome: "cancelled" },
    ]);
  });

  test("past its deadline it is a timeout", async () => {
    engine.script = () => {};
    const { status, text } = await ask({}, { deadlineMs: Date.now() + 100 });
    expect([status, JSON.parse(text).error.code]).toEqual([504, "gateway_timeout"]);
    await until(() => engine.calls[0]?.isAborted === true);
  });
});

test("a node whose clock differs from the edge's gives a call the time that the edge gave it", async () => {
  engine.script = async (response) => {
    await pause(300);
    answerJson(response, 200, whole());
  };
  for (const drift of [-25, 25]) {
    const iat = Math.floor(Date.now() / 1_000) + drift;
    const { status } = await ask({}, { iat, exp: iat + 60, deadlineMs: iat * 1_000 + 10_000 });
    expect(status).toBe(200);
  }
});

describe("a prompt that does not fit with our default", () => {
  test("is tried once more with the rest of the context, by the engine's own count", async () => {
    engine.script = (response, call) =>
      call.body["max_tokens"] === 93 ? answerJson(response, 200, whole()) : answerJson(response, 400, contextError);
    const { status } = await ask({}, { isDefaultMax: true });
    expect(status).toBe(200);
    expect(engine.calls.map(({ body }) => body["max_tokens"])).toEqual([1_000, 93]);
  });

  test("is refused when the caller named the bound herself", async () => {
    engine.script = (response) => answerJson(response, 400, contextError);
    const { status, text } = await ask({ max_tokens: 500 });
    expect(status).toBe(400);
    expect(JSON.parse(text).error).toMatchObject({ code: "context_length_exceeded", param: "messages" });
    expect(engine.calls).toHaveLength(1);
  });

  test("is refused as such when vLLM words it as a max_tokens of 0, which nobody asked for", async () => {
    const error = {
      message: "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
      type: "BadRequestError",
      param: "max_tokens",
      code: 400,
    };
    engine.script = (response) => answerJson(response, 400, { error });
    const { status, text } = await ask({ max_tokens: 1 });
    expect(status).toBe(400);
    expect(JSON.parse(text).error).toMatchObject({ code: "context_length_exceeded", param: "messages" });
  });

  test("is refused when the prompt alone fills the context, and never tried a third time", async () => {
    engine.tokens = 100;
    engine.script = (response) => answerJson(response, 400, contextError);
    expect((await ask({}, { isDefaultMax: true })).status).toBe(400);
    expect(engine.calls).toHaveLength(1);
    engine.tokens = 50;
    expect((await ask({}, { isDefaultMax: true })).status).toBe(400);
    expect(engine.calls).toHaveLength(3);
  });
});

describe("an engine that says no", () => {
  test.each([
    [401, { error: "Unauthorized" }, 502, "bad_gateway"],
    [404, { error: { message: "The model `x` does not exist.", param: "model", code: 404 } }, 502, "bad_gateway"],
    [429, {}, 503, "server_is_overloaded"],
    [503, { error: { message: "The engine is currently busy" } }, 503, "server_is_overloaded"],
    [500, {}, 502, "bad_gateway"],
  ])("%i becomes ours", async (status, body, ours, code) => {
    engine.script = (response) => answerJson(response, status, body, { "retry-after": "3" });
    const answer = await ask();
    expect(answer.status).toBe(ours);
    expect(JSON.parse(answer.text).error).toMatchObject({ code, param: null });
    expect(answer.headers["retry-after"]).toBe(ours === 503 ? "3" : undefined);
    expect(answer.headers["x-penstock-load"]).toBeDefined();
  });
});

test("a model that this node does not serve is a fault of configuration", async () => {
  const { status, text } = await ask({}, { model: "other" });
  expect([status, JSON.parse(text).error.code]).toEqual([502, "bad_gateway"]);
});

test("a stream's final record is in the log before its last byte leaves", async () => {
  engine.script = async (response) => {
    openStream(response);
    response.write(chunk("a", usage(7, 1), "stop"));
    await pause(30);
    response.end("data: [DONE]\n\n");
  };
  setup.edge.answer = () => 503;
  const { readFileSync, readdirSync } = await import("node:fs");
  const { answer, hold } = await setup.open({ stream: true });
  let hasRecord: boolean | null = null;
  (await answer).on("data", (piece: Buffer) => {
    if (!piece.includes("[DONE]")) return;
    const directory = `${setup.stateDir}/usage`;
    const files = readdirSync(directory).filter((name) => /^\d+\.jsonl$/.test(name));
    hasRecord = files.some((name) => readFileSync(`${directory}/${name}`, "utf8").includes(hold));
  });
  await until(() => hasRecord !== null);
  expect(hasRecord).toBe(true);
  setup.edge.answer = () => 200;
  expect(await recordOf(hold)).toHaveLength(1);
});

test("on long streams the edge hears how far they are, every 256 tokens", async () => {
  engine.script = async (response) => {
    openStream(response);
    for (let at = 1; at <= 600; at++) response.write(chunk("x", usage(7, at)));
    await until(() => setup.edge.records.some((record) => !record.isFinal && record.completionTokens >= 512));
    response.destroy();
  };
  const { hold } = await ask({ stream: true });
  await until(() => setup.edge.finals().some((record) => record.hold === hold));
  const records = await recordOf(hold);
  expect(records.at(-1)).toMatchObject({ isFinal: true, completionTokens: 600 });
});

test("an error that is the first event of a stream is answered as if its status had come in time, and leaves no record", async () => {
  for (const [code, status, name] of [
    [400, 400, "invalid_value"],
    [500, 502, "bad_gateway"],
  ] as const) {
    engine.script = (response) => {
      openStream(response);
      response.end(
        `data: {"error": {"message": "secret words", "type": "BadRequestError", "param": "logit_bias", "code": ${code}}}\n\ndata: [DONE]\n\n`,
      );
    };
    const answer = await ask({ stream: true });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error.code).toBe(name);
    expect(answer.text).not.toContain("secret");
    expect(setup.edge.records.filter(({ hold }) => hold === answer.hold)).toEqual([]);
  }
});
