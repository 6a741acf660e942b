import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { answerJson, chunk, openStream, roleChunk, usage } from "#test/support/fakes/fake-engine.ts";
import { until } from "#test/support/fakes/origin.ts";
import { openCallWorld, pause, whole } from "#test/origin/calls/world.ts";

const world = openCallWorld();
const contextError = {
  error: {
    message: "This model's maximum context length is 100 tokens.",
    type: "BadRequestError",
    param: "input_tokens",
    code: 400,
  },
};

describe("a prompt that does not fit with our default", () => {
  test("is tried once more with the rest of the context, by the engine's own count", async () => {
    world.engine.script = (response, call) =>
      call.body["max_tokens"] === 93 ? answerJson(response, 200, whole()) : answerJson(response, 400, contextError);
    const { status } = await world.ask({}, { isDefaultMax: true });
    expect(status).toBe(200);
    expect(world.engine.calls.map(({ body }) => body["max_tokens"])).toEqual([1_000, 93]);
  });

  test("is refused when the caller named the bound", async () => {
    world.engine.script = (response) => answerJson(response, 400, contextError);
    const { status, text } = await world.ask({ max_tokens: 500 });
    expect(status).toBe(400);
    expect(JSON.parse(text).error).toMatchObject({
      code: "context_length_exceeded",
      param: "messages",
      message:
        "This model's maximum context length is 100 tokens. " +
        "However, you requested 507 tokens (7 in the messages, 500 in the completion). " +
        "Please reduce the length of the messages or completion.",
    });
    expect(world.engine.calls).toHaveLength(1);
  });

  test("is refused as such when vLLM words it as a max_tokens of 0, which nobody requested", async () => {
    const error = {
      message: "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
      type: "BadRequestError",
      param: "max_tokens",
      code: 400,
    };
    world.engine.script = (response) => answerJson(response, 400, { error });
    const { status, text } = await world.ask({ max_tokens: 1 });
    expect(status).toBe(400);
    expect(JSON.parse(text).error).toMatchObject({ code: "context_length_exceeded", param: "messages" });
  });

  test("is refused when the prompt alone fills the context, and never tried a third time", async () => {
    world.engine.tokens = 100;
    world.engine.script = (response) => answerJson(response, 400, contextError);
    const { status, text } = await world.ask({}, { isDefaultMax: true });
    expect([status, JSON.parse(text).error.message]).toEqual([
      400,
      "This model's maximum context length is 100 tokens. However, your messages resulted in 100 tokens. " +
        "Please reduce the length of the messages.",
    ]);
    expect(world.engine.calls).toHaveLength(1);
    world.engine.tokens = 50;
    expect((await world.ask({}, { isDefaultMax: true })).status).toBe(400);
    expect(world.engine.calls).toHaveLength(3);
  });
});

describe("an engine that says no", () => {
  test.each([false, true])("is translated to the field and the cause; streamed: %s", async (stream) => {
    const message = "n must be 1 when using greedy sampling, got 2.";
    const error = { message, type: "BadRequestError", param: null, code: 400 };
    world.engine.script = (response) => {
      if (!stream) return answerJson(response, 400, { error });
      openStream(response);
      response.end(`data: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n`);
    };
    const { status, text } = await world.ask({ n: 2, temperature: 0, stream });
    expect(status).toBe(400);
    expect(JSON.parse(text).error).toMatchObject({
      code: "invalid_value",
      param: "n",
      message: "'n' must be 1 where 'temperature' is 0: all choices would be the same.",
    });
  });

  test.each([
    [401, { error: "Unauthorized" }, 502, "bad_gateway"],
    [404, { error: { message: "The model `x` does not exist.", param: "model", code: 404 } }, 502, "bad_gateway"],
    [429, {}, 503, "server_is_overloaded"],
    [503, { error: { message: "The engine is currently busy" } }, 503, "server_is_overloaded"],
    [500, {}, 502, "bad_gateway"],
  ])("%i becomes ours", async (status, body, ours, code) => {
    world.engine.script = (response) => answerJson(response, status, body, { "retry-after": "3" });
    const answer = await world.ask();
    expect(answer.status).toBe(ours);
    expect(JSON.parse(answer.text).error).toMatchObject({ code, param: null });
    expect(answer.headers["retry-after"]).toBe(ours === 503 ? "3" : undefined);
    expect(answer.headers["x-penstock-load"]).toBeDefined();
  });
});

test("an error as the first event of a stream is answered as if its status had come in time, unrecorded", async () => {
  for (const [code, status, name] of [
    [400, 400, "invalid_value"],
    [500, 502, "bad_gateway"],
  ] as const) {
    world.engine.script = (response) => {
      openStream(response);
      const error = `{"message": "secret words", "type": "BadRequestError", "param": "logit_bias", "code": ${code}}`;
      response.end(`data: {"error": ${error}}\n\ndata: [DONE]\n\n`);
    };
    const answer = await world.ask({ stream: true });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error.code).toBe(name);
    expect(answer.text).not.toContain("secret");
    expect(world.setup.edge.records.filter(({ hold }) => hold === answer.hold)).toEqual([]);
  }
});

describe("who leaves while their engine begins", () => {
  beforeEach(() => void (world.engine.isHalfOpen = true));
  afterEach(() => void (world.engine.isHalfOpen = false));
  /** What the engine has on the wire when it learns that nobody listens. */
  const sent = roleChunk + chunk("a", usage(7, 1)) + chunk("b", usage(7, 2));

  test.each([
    ["a stream", true],
    ["a whole answer", false],
  ])("%s: the head comes as they go, and tokens with it: they are told", async (_, stream) => {
    world.engine.script = (response, _call, request) =>
      void request.socket.once("end", () => {
        openStream(response);
        response.end(sent);
      });
    const { request, hold } = await world.setup.open({ stream });
    await until(() => world.engine.calls.length === 1);
    request.destroy();
    expect(await world.readRecords(hold)).toMatchObject([
      { isFinal: false, outcome: "cancelled", promptTokens: 7, completionTokens: 2 },
    ]);
  });

  test.each([
    ["a stream", true],
    ["a whole answer", false],
  ])("%s: the head is there, its first tokens come as they go: they are told", async (_, stream) => {
    let stoppedAtMs = Infinity;
    world.engine.script = (response, _call, request) => {
      openStream(response);
      request.socket.once("end", () => {
        stoppedAtMs = performance.now();
        response.end(sent);
      });
    };
    const { request, hold } = await world.setup.open({ stream });
    await until(() => world.engine.calls.length === 1);
    await pause(50);
    const leftAtMs = performance.now();
    request.destroy();
    expect(await world.readRecords(hold)).toMatchObject([
      { outcome: "cancelled", promptTokens: 7, completionTokens: 2 },
    ]);
    expect(stoppedAtMs - leftAtMs).toBeLessThan(150);
  });

  test("an engine that says nothing more is not waited for", async () => {
    world.engine.script = () => {};
    const { request, hold } = await world.setup.open({ stream: true });
    await until(() => world.engine.calls.length === 1);
    const leftAtMs = performance.now();
    request.destroy();
    expect(await world.readRecords(hold)).toMatchObject([{ outcome: "cancelled", completionTokens: 0 }]);
    expect(performance.now() - leftAtMs).toBeLessThan(1_000);
  });
});
