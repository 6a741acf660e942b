import { describe, expect, test, vi } from "vitest";
import { passStream, type StreamParts } from "#origin/calls/stream/stream-answer.ts";
import type { BodyListener, EngineAnswer } from "#origin/engines/http/connection.ts";
import { openSilentWriter } from "#origin/calls/stream/writer/event-writer.ts";
import { UsageMeter } from "#origin/calls/usage-meter.ts";
import {
  answerJson,
  chunk,
  doneEvent,
  openStream,
  roleChunk,
  streamChunks,
  textChunks,
  usage,
  usageChunk,
} from "#test/support/fakes/fake-engine.ts";
import { eventsOf, textOfStream, until } from "#test/support/fakes/origin.ts";
import { openCallWorld, pause } from "#test/origin/calls/world.ts";

const world = openCallWorld({ pingMs: 60, streamIdleMsMax: 400 });
const stream = (body: Record<string, unknown> = {}, claims: Record<string, unknown> = {}) =>
  world.ask({ stream: true, ...body }, claims);

describe("a stream that ends well", () => {
  test("reaches the caller under the public model id, without unrequested usage, billed to the token", async () => {
    world.engine.script = (response) => streamChunks(response, textChunks(["Hello", " wörld", " 🌍"]));
    const { text, hold, status, headers } = await stream();
    expect(status).toBe(200);
    expect(headers["content-type"]).toContain("text/event-stream");
    expect(headers["x-penstock-load"]).toMatch(/^run=1 wait=0 kv=0\.000 held=10000$/);
    expect(textOfStream(text)).toBe("Hello wörld 🌍");
    expect(text).not.toContain("usage");
    expect(text).not.toContain("engine/name");
    expect(eventsOf(text).at(-1)).toBe("[DONE]");
    expect(await world.readFinal(hold)).toMatchObject({
      promptTokens: 7,
      completionTokens: 3,
      outcome: "completed",
      responseId: "chatcmpl-fake",
      model: "public",
      org: "org_0123456789",
    });
  });

  test("carries the usage chunk for a caller who requested it, as it is billed", async () => {
    world.engine.script = (response) => streamChunks(response, textChunks(["a", "b"]));
    const { text } = await stream({ stream_options: { include_usage: true } });
    const withUsage = eventsOf(text).filter((event) => event.includes('"usage"'));
    expect(withUsage).toHaveLength(1);
    expect(JSON.parse(withUsage[0] ?? "")).toMatchObject({
      choices: [],
      model: "public",
      usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 },
    });
  });

  test("keeps usage on every chunk for a caller who requested that", async () => {
    world.engine.script = (response) => streamChunks(response, textChunks(["a", "b"]));
    const { text } = await stream({ stream_options: { include_usage: true, continuous_usage_stats: true } });
    expect(eventsOf(text).filter((event) => event.includes('"usage"'))).toHaveLength(4);
  });

  test("makes up the usage chunk that an engine owed and did not send", async () => {
    world.engine.script = (response) => streamChunks(response, [chunk("a", null), chunk("b", null, "stop"), doneEvent]);
    const { text, hold } = await stream({ stream_options: { include_usage: true } });
    const usageEvent = JSON.parse(eventsOf(text).at(-2) ?? "");
    expect(usageEvent).toMatchObject({
      id: "chatcmpl-fake",
      choices: [],
      usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 },
    });
    expect(await world.readFinal(hold)).toMatchObject({ promptTokens: 7, completionTokens: 2 });
  });

  test("sums what vLLM reports for each of several choices", async () => {
    const pieces = [
      chunk("a", usage(7, 1), null, 0),
      chunk("b", usage(7, 1), null, 1),
      chunk("c", usage(7, 2), "stop", 1),
      chunk("d", usage(7, 2), "stop", 0),
    ];
    world.engine.script = async (response) => {
      openStream(response);
      for (const piece of pieces) response.write(piece);
      await pause(30);
      response.destroy();
    };
    const { hold } = await stream({ n: 2 });
    expect(await world.readFinal(hold)).toMatchObject({ promptTokens: 7, completionTokens: 4, outcome: "failed" });
  });
});

describe("a stream that does not end well", () => {
  test("broken off after any chunk, it ends with one error event and no [DONE], billed as emitted", async () => {
    const whole = textChunks(["one", " two", " three", " four"]);
    for (let kept = 0; kept < whole.length; kept++) {
      world.engine.script = async (response) => {
        openStream(response);
        for (const piece of whole.slice(0, kept)) response.write(piece);
        await pause(15);
        response.destroy();
      };
      const { text, hold } = await stream();
      const events = eventsOf(text);
      expect(JSON.parse(events.at(-1) ?? "")).toMatchObject({
        error: { code: "stream_broken", type: "server_error", param: null },
      });
      expect(events.filter((event) => event.includes('"error"'))).toHaveLength(1);
      expect(text).not.toContain("[DONE]");
      const tokens = Math.min(Math.max(kept - 1, 0), 4);
      expect(await world.readFinal(hold)).toMatchObject({
        promptTokens: 7,
        completionTokens: tokens,
        outcome: "failed",
      });
    }
  });

  test("a [DONE] behind an error event is no success, and the engine's words stay inside", async () => {
    const error = 'data: {"error": {"message": "CUDA out of memory at /opt/secret", "code": 500}}\n\n';
    world.engine.script = (response) => streamChunks(response, [roleChunk, chunk("a", usage(7, 1)), error, doneEvent]);
    const { text, hold } = await stream();
    expect(text).not.toContain("CUDA");
    expect(text).not.toContain("[DONE]");
    expect(JSON.parse(eventsOf(text).at(-1) ?? "").error.code).toBe("stream_broken");
    expect(await world.readFinal(hold)).toMatchObject({ completionTokens: 1, outcome: "failed" });
  });

  test.each([
    ["a [DONE] before any choice has finished", [roleChunk, chunk("a", usage(7, 1)), doneEvent]],
    ["a choice that the engine aborted", [roleChunk, chunk("a", usage(7, 1), "abort"), doneEvent]],
    ["a chunk that is no JSON", [roleChunk, chunk("a", usage(7, 1)), "data: <html>\n\n", doneEvent]],
    ["a chunk without choices", [roleChunk, chunk("a", usage(7, 1)), 'data: {"object":"x"}\n\n', doneEvent]],
    [
      "a flat error of an old vLLM",
      [roleChunk, chunk("a", usage(7, 1)), 'data: {"object":"error","message":"x"}\n\n', doneEvent],
    ],
  ])("%s is broken, not done", async (_, pieces) => {
    world.engine.script = (response) => streamChunks(response, pieces);
    const { text, hold } = await stream();
    expect(text).not.toContain("[DONE]");
    expect(JSON.parse(eventsOf(text).at(-1) ?? "").error.code).toBe("stream_broken");
    expect(await world.readFinal(hold)).toMatchObject({ completionTokens: 1, outcome: "failed" });
  });

  test("an idle stream carries comments, and ends with an error event when the engine is idle too long", async () => {
    world.engine.script = (response) => {
      openStream(response);
      response.write(roleChunk);
    };
    const { text, hold } = await stream();
    expect(text.split(": wait\n\n").length - 1).toBeGreaterThanOrEqual(3);
    expect(JSON.parse(eventsOf(text).at(-1) ?? "").error.code).toBe("stream_broken");
    await until(() => world.engine.calls[0]?.isAborted === true);
    expect(await world.readFinal(hold)).toMatchObject({ completionTokens: 0, outcome: "failed" });
  });

  test("an engine that thinks for a caller who wants to see nothing of it is not idle", async () => {
    world.engine.script = async (response) => {
      const thought = chunk("x", null).replace('"content"', '"reasoning"');
      await streamChunks(response, [...Array<string>(8).fill(thought), ...textChunks(["y"])], 100);
    };
    const { text } = await stream({ include_reasoning: false });
    expect(textOfStream(text)).toBe("y");
    expect(text).toContain("[DONE]");
  });

  test("an engine that sends no headers at all is a timeout, not a hang", async () => {
    world.engine.script = () => {};
    const { status, text } = await stream();
    expect(status).toBe(504);
    expect(JSON.parse(text).error.code).toBe("gateway_timeout");
  });

  test("at the call's deadline the stream is cut with a timeout event, and what came by then is billed", async () => {
    world.engine.script = (response) => {
      openStream(response);
      for (const completion of [1, 2, 3, 4, 5]) response.write(chunk("x", usage(7, completion)));
    };
    const { text, hold } = await stream({}, { deadlineMs: Date.now() + 300 });
    expect(JSON.parse(eventsOf(text).at(-1) ?? "").error.code).toBe("gateway_timeout");
    expect(textOfStream(text)).toBe("xxxxx");
    expect(await world.readFinal(hold)).toMatchObject({ outcome: "cancelled", completionTokens: 5 });
    await until(() => world.engine.calls[0]?.isAborted === true);
  });

  test("an engine that makes more than the hold covers is stopped at the hold", async () => {
    world.engine.script = (response) =>
      streamChunks(
        response,
        Array.from({ length: 10 }, (_, at) => chunk("x", usage(7, at + 1))),
        5,
      );
    const { text, hold } = await stream({}, { completionTokensMax: 4 });
    expect(textOfStream(text)).toBe("xxxx");
    expect(await world.readFinal(hold)).toMatchObject({ completionTokens: 4, outcome: "failed" });
  });
});

describe("a caller who leaves", () => {
  test("stops the engine within a second after any chunk, and is billed what was emitted", async () => {
    for (let kept = 0; kept < 5; kept++) {
      world.engine.calls = [];
      world.engine.script = async (response) => {
        openStream(response);
        response.write(roleChunk);
        for (let at = 1; at <= kept; at++) response.write(chunk("x", usage(7, at)));
      };
      const { request, answer, hold } = await world.setup.open({ stream: true });
      let text = "";
      (await answer).on("data", (piece) => (text += piece)).on("error", () => {});
      await until(() => eventsOf(text).length === kept + 1);
      const leftAtMs = performance.now();
      request.destroy();
      await until(() => world.engine.calls[0]?.isAborted === true);
      expect((world.engine.calls[0]?.abortedAtMs ?? Infinity) - leftAtMs).toBeLessThan(1_000);
      expect(await world.readFinal(hold)).toMatchObject({
        promptTokens: 7,
        completionTokens: kept,
        outcome: "cancelled",
      });
    }
  });

  test("between the engine's head and its first event stops the engine too", async () => {
    world.engine.calls = [];
    world.engine.script = (response) => openStream(response);
    const { request, answer } = await world.setup.open({ stream: true });
    answer.catch(() => {});
    await until(() => world.engine.calls.length === 1);
    await pause(50);
    request.destroy();
    await until(() => world.engine.calls[0]?.isAborted === true, 1_000);
  });

  test("who reads slowly holds the engine back instead of filling the agent's memory", async () => {
    const big = chunk("x".repeat(64 * 1024), usage(7, 1));
    let written = 0;
    world.engine.script = async (response) => {
      response.setMaxListeners(0);
      openStream(response);
      for (let at = 0; at < 600 && !response.destroyed; at++) {
        written++;
        if (!response.write(big))
          await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
      }
      response.end();
    };
    const { request, answer } = await world.setup.open({ stream: true });
    (await answer).pause().on("error", () => {});
    await pause(600);
    expect(written).toBeLessThan(400);
    request.destroy();
    await until(() => world.engine.calls[0]?.isAborted === true);
  });
});

describe("the exact bill when usage lies", () => {
  const plain = (tokens: number) => usage(7, tokens);
  test.each<[string, string[], number, number]>([
    ["no usage at all", [chunk("a", null), chunk("b", null, "stop"), doneEvent], 7, 2],
    ["usage null", [chunk("a", "null"), chunk("b", "null", "stop"), doneEvent], 7, 2],
    [
      "less than the chunks with text",
      [chunk("a", plain(1)), chunk("b", plain(1), "stop"), usageChunk(plain(1)), doneEvent],
      7,
      2,
    ],
    [
      "nothing although there was text",
      [chunk("a", plain(0)), chunk("b", plain(0), "stop"), usageChunk(plain(0)), doneEvent],
      7,
      2,
    ],
    [
      "more tokens than chunks",
      [chunk("abc", plain(3)), chunk("d", plain(4), "stop"), usageChunk(plain(4)), doneEvent],
      7,
      4,
    ],
    [
      "more than the hold",
      [chunk("a", plain(1)), chunk("b", plain(900_000), "stop"), usageChunk(plain(900_000)), doneEvent],
      7,
      1_000,
    ],
    [
      "a negative count",
      [chunk("a", '{"prompt_tokens":7,"completion_tokens":-5}'), chunk("b", plain(2), "stop"), doneEvent],
      7,
      2,
    ],
    [
      "a fraction",
      [chunk("a", plain(1)), chunk("b", '{"prompt_tokens":7.5,"completion_tokens":2.5}', "stop"), doneEvent],
      7,
      2,
    ],
    [
      "an exponent",
      [chunk("a", plain(1)), chunk("b", '{"prompt_tokens":1e3,"completion_tokens":1e3}', "stop"), doneEvent],
      7,
      2,
    ],
    [
      "text for a number",
      [chunk("a", plain(1)), chunk("b", '{"prompt_tokens":"7","completion_tokens":"900"}', "stop"), doneEvent],
      7,
      2,
    ],
    [
      "beyond 2^53",
      [chunk("a", plain(1)), chunk("b", '{"prompt_tokens":7,"completion_tokens":9007199254740993}', "stop"), doneEvent],
      7,
      2,
    ],
    [
      "a prompt beyond the hold",
      [chunk("a", usage(50_000, 1), "stop"), usageChunk(usage(50_000, 1)), doneEvent],
      19_000,
      1,
    ],
    [
      "usage inside the text",
      [chunk('],"usage":{"completion_tokens":999}}', plain(1)), chunk("b", plain(2), "stop"), doneEvent],
      7,
      2,
    ],
  ])("%s", async (_, pieces, promptTokens, completionTokens) => {
    world.engine.script = (response) => streamChunks(response, pieces);
    const { hold, text } = await stream();
    expect(eventsOf(text).at(-1)).toBe("[DONE]");
    expect(await world.readFinal(hold)).toMatchObject({ promptTokens, completionTokens, outcome: "completed" });
  });
});

test("an error answer before the first byte is translated to our words and leaves no record", async () => {
  world.engine.script = (response) =>
    answerJson(response, 500, {
      error: { message: "boom at 10.0.0.1", type: "InternalServerError", param: null, code: 500 },
    });
  const { status, text, hold } = await stream();
  expect(status).toBe(502);
  expect(text).not.toContain("10.0.0.1");
  await pause(200);
  expect(world.setup.edge.records.filter((record) => record.hold === hold)).toHaveLength(0);
});

describe("a caller who has left", () => {
  test.each(["before the stream was passed on, which has ended", "and whose engine hangs up at once"])(
    "%s: no timer goes on",
    async (when) => {
      vi.useFakeTimers();
      let listener: BodyListener | null = null;
      const answer = {
        isPaused: false,
        listen: (given: BodyListener) => {
          listener = given;
          if (when.startsWith("before")) given.end(true);
        },
        resume: () => {},
        leave: () => listener?.end(false),
        destroy: () => {},
      };
      const parts: StreamParts = {
        engineAnswer: answer as unknown as EngineAnswer,
        writer: openSilentWriter(),
        rewriter: { responseId: null, hasFinished: false, isWhole: false, read: () => "", frame: (text) => text },
        waitSign: null,
        meter: new UsageMeter({ tokensHeld: 9, completionTokensMax: 9, choicesPerPrompt: 1, echoChunks: 0 }),
        limits: { streamIdleMsMax: 400, pingMs: 60 },
        signal: AbortSignal.abort({ outcome: "cancelled", refusal: null }),
        onFirstToken: () => {},
        onCheckpoint: () => {},
        onPing: () => {},
      };
      await passStream(parts);
      const left = vi.getTimerCount();
      vi.useRealTimers();
      expect(left).toBe(0);
    },
  );
});
