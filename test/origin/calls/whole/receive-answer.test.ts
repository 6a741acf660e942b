import { describe, expect, test } from "vitest";
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
import { readAnswer, setUp, until } from "#test/support/fakes/origin.ts";
import { openCallWorld, pause, whole } from "#test/origin/calls/world.ts";

const world = openCallWorld();
const words = ["one", " two", " three", " four", " five", " six"];
const recordsOf = (hold: string) => world.setup.edge.records.filter((record) => record.hold === hold);
const tokensOf = (count: number) => words.slice(0, count).map((word, at) => chunk(word, usage(7, at + 1)));

/** Writes the first pieces of an answer and then says no more. */
const writeAndWait = (pieces: string[]) => {
  world.engine.script = (response) => {
    openStream(response);
    for (const piece of pieces) response.write(piece);
  };
};

describe("a whole answer is asked for as a stream", () => {
  test("and put together, with the usage that is billed", async () => {
    world.engine.script = (response) => streamChunks(response, textChunks(words));
    const { status, text, headers, hold } = await world.ask();
    expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
    expect(JSON.parse(text)).toMatchObject({
      id: "chatcmpl-fake",
      object: "chat.completion",
      model: "public",
      choices: [{ index: 0, message: { role: "assistant", content: words.join("") }, finish_reason: "stop" }],
      usage: { prompt_tokens: 7, completion_tokens: 6, total_tokens: 13 },
    });
    const [record] = await world.readRecords(hold);
    expect(record).toMatchObject({ isFinal: true, outcome: "completed", completionTokens: 6 });
    expect(record?.responseId).toBe("chatcmpl-fake");
    expect(record?.firstTokenAtMs).toEqual(expect.any(Number));
  });

  test("an engine that answers in one piece all the same is taken at its word", async () => {
    world.engine.script = (response) => answerJson(response, 200, whole());
    expect(JSON.parse((await world.ask()).text)).toMatchObject({ id: "chatcmpl-whole", model: "public" });
    expect(world.engine.calls[0]?.body["stream"]).toBe(true);
  });

  test("what came in one piece has its reasoning hidden too, and counted", async () => {
    const message = { role: "assistant", content: "a", reasoning: "thought" };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    world.engine.script = (response) => answerJson(response, 200, whole({ choices }));
    const { text } = await world.ask({ include_reasoning: false });
    expect(JSON.parse(text)).toMatchObject({
      choices: [{ message: { content: "a", reasoning: null } }],
      usage: { completion_tokens: 4 },
    });
  });

  test("an engine that reports no usage has its texts counted", async () => {
    world.engine.script = (response) =>
      streamChunks(response, [chunk("three", null), chunk(" words", null, "stop"), doneEvent]);
    const { text, hold } = await world.ask();
    expect(JSON.parse(text).usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 7 });
    expect(await world.readRecords(hold)).toMatchObject([{ isFinal: true, completionTokens: 7 }]);
  });

  test("what the engine finds at fault behind a 200 is the refusal that it would have been", async () => {
    const error = { message: "bad grammar", type: "BadRequestError", param: null, code: 400 };
    world.engine.script = (response) => streamChunks(response, [`data: ${JSON.stringify({ error })}\n\n`, doneEvent]);
    const { status, text, hold } = await world.ask();
    expect([status, JSON.parse(text).error.type]).toEqual([400, "invalid_request_error"]);
    await pause(150);
    expect(recordsOf(hold)).toEqual([]);
  });
});

describe("who gets no answer pays what the engine had put on the wire", () => {
  test.each(words.map((_, at) => at))("who leaves after token %i", async (count) => {
    writeAndWait([roleChunk, ...tokensOf(count)]);
    const { request, hold } = await world.setup.open();
    request.on("error", () => undefined);
    await until(() => world.engine.calls.length === 1);
    await pause(30);
    request.destroy();
    await until(() => recordsOf(hold).length > 0);
    expect(recordsOf(hold).at(-1)).toMatchObject({
      isFinal: false,
      outcome: "cancelled",
      promptTokens: 7,
      completionTokens: count,
    });
    await until(() => world.engine.calls[0]?.isAborted === true, 1_000);
  });

  test("whose deadline comes", async () => {
    writeAndWait([roleChunk, ...tokensOf(4)]);
    const { status, text, hold } = await world.ask({}, { deadlineMs: Date.now() + 250 });
    expect([status, JSON.parse(text).error.code]).toEqual([504, "gateway_timeout"]);
    // The edge has heard it before it hears of the refusal.
    expect(recordsOf(hold).at(-1)).toMatchObject({ isFinal: false, outcome: "cancelled", completionTokens: 4 });
  });

  test.each<[string, string[], boolean]>([
    ["hangs up", [], true],
    ["ends without [DONE] and without a finish", [], false],
    ["says [DONE] without a finish", [doneEvent], false],
    ["reports an error", ['data: {"error": {"message": "EngineCore", "code": 500}}\n\n', doneEvent], false],
    ["gives the choice up", [chunk("", null, "abort"), doneEvent], false],
    ["writes what is no chunk", ["data: <html>\n\n"], false],
  ])("whose engine %s in the middle: 502, and nothing is settled yet", async (_, end, isCut) => {
    world.engine.script = async (response) => {
      openStream(response);
      for (const piece of [roleChunk, ...tokensOf(3), ...end]) response.write(piece);
      await pause(20);
      if (isCut) response.destroy();
      else response.end();
    };
    const { status, text, hold } = await world.ask();
    expect([status, JSON.parse(text).error.code]).toEqual([502, "bad_gateway"]);
    expect(text).not.toContain("EngineCore");
    expect(recordsOf(hold)).toMatchObject([
      { isFinal: false, outcome: "failed", promptTokens: 7, completionTokens: 3 },
    ]);
  });

  test("whose engine dies after white space was sent: the record is final, no other node can answer", async () => {
    world.engine.script = async (response) => {
      openStream(response);
      for (const piece of [roleChunk, ...tokensOf(2)]) response.write(piece);
      await pause(400);
      response.destroy();
    };
    const { isCut, hold } = await world.ask();
    expect(isCut).toBe(true);
    expect((await world.readRecords(hold)).at(-1)).toMatchObject({
      isFinal: true,
      outcome: "failed",
      completionTokens: 2,
    });
  });

  test("whose engine makes more than the hold covers: it is stopped", async () => {
    writeAndWait([roleChunk, ...tokensOf(6)]);
    const { status, hold } = await world.ask({}, { completionTokensMax: 4 });
    expect(status).toBe(502);
    expect(recordsOf(hold)).toMatchObject([{ isFinal: false, completionTokens: 4 }]);
    await until(() => world.engine.calls[0]?.isAborted === true, 1_000);
  });
});

test("an answer may lack [DONE] when nothing else is missing", async () => {
  world.engine.script = (response) =>
    streamChunks(response, [...tokensOf(1), chunk("", usage(7, 1), "stop"), usageChunk(usage(7, 1))]);
  expect((await world.ask()).status).toBe(200);
});

test("an answer of more than 64 MiB is refused as its caller's own fault, and asked of no other node", async () => {
  const logprobs = JSON.stringify({ content: [{ token: "x".repeat(7_000_000) }] });
  const scored = chunk("x", usage(7, 1)).replace('"logprobs":null', () => `"logprobs":${logprobs}`);
  world.engine.script = (response) => streamChunks(response, Array<string>(10).fill(scored));
  const patient = await setUp(world.engine.url);
  const { status, text } = await patient.call();
  expect([status, JSON.parse(text).error.code]).toEqual([400, "invalid_value"]);
  expect(patient.edge.records.at(-1)).toMatchObject({ isFinal: false, outcome: "failed", completionTokens: 10 });
  await patient.stop();
});

test("a caller who reads slowly gets all of it", async () => {
  const long = "word ".repeat(200_000);
  world.engine.script = (response) => streamChunks(response, textChunks([long, long, "end"]));
  const { answer } = await world.setup.open();
  const response = await answer;
  response.pause();
  await pause(300);
  response.resume();
  const { text, isCut } = await readAnswer(response);
  expect([isCut, JSON.parse(text).choices[0].message.content.length]).toEqual([false, 2 * long.length + 3]);
});
