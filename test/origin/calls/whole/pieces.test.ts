import { expect, test } from "vitest";
import { inputsAtOnce } from "#edge/limits.ts";
import { openCallWorld, pause } from "#test/origin/calls/world.ts";
import { answerJson, type Script } from "#test/support/fakes/fake-engine.ts";
import { until } from "#test/support/fakes/origin.ts";

const world = openCallWorld();
const path = "/v1/embeddings";
const claims = { endpoint: "embeddings", completionTokensMax: 0, tokensHeld: 100_000 } as const;
const texts = (many: number) => Array.from({ length: many }, (_, at) => `text ${at}`);
const inputOf = (at: number) => (world.engine.calls[at]?.body["input"] ?? []) as unknown[];

/** Each input is two tokens, and its vector tells which it was. */
const embed: Script = (response, { body }) => {
  const input = body["input"] as string[];
  const data = input.map((text, index) => ({ object: "embedding", index, embedding: [Number(text.slice(5)), 0.5] }));
  const usage = { prompt_tokens: 2 * input.length, total_tokens: 2 * input.length, completion_tokens: 0 };
  answerJson(response, 200, { id: `embd-${input[0]}`, object: "list", model: "engine/name", data, usage });
};
const ask = (input: unknown) => world.ask({ input, messages: undefined }, claims, path);

test("many inputs are asked for in pieces, one after another, and answered as one", async () => {
  let running = 0;
  world.engine.script = async (response, call, request) => {
    expect(++running).toBe(1);
    await pause(5);
    running--;
    await embed(response, call, request);
  };
  const { status, text, hold } = await ask(texts(2 * inputsAtOnce + 6));
  expect(status).toBe(200);
  const answer = JSON.parse(text);
  expect(answer).toMatchObject({ id: "embd-text 0", object: "list", model: "public" });
  expect(answer.usage).toEqual({ prompt_tokens: 140, total_tokens: 140, completion_tokens: 0 });
  expect(answer.data).toEqual(texts(70).map((_, index) => ({ object: "embedding", index, embedding: [index, 0.5] })));
  expect(world.engine.calls.map(({ body }) => (body["input"] as unknown[]).length)).toEqual([32, 32, 6]);
  expect(await world.readFinal(hold)).toMatchObject({ promptTokens: 140, completionTokens: 0, outcome: "completed" });
});

test.each<[string, unknown]>([
  ["as many as go at once", texts(inputsAtOnce)],
  ["one long list of token ids", Array.from({ length: 200 }, () => 5)],
  ["one text", "text 1"],
])("%s are asked for whole", async (_, input) => {
  world.engine.script = (response) =>
    answerJson(response, 200, {
      object: "list",
      data: [{ index: 0, embedding: [1] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
  expect((await ask(input)).status).toBe(200);
  expect(world.engine.calls.map(({ body }) => body["input"])).toEqual([input]);
});

test("who leaves pays the pieces that were made and the one that the engine had; no other is asked for", async () => {
  world.engine.script = (response, call, request) =>
    world.engine.calls.length === 1 ? embed(response, call, request) : undefined;
  world.engine.tokens = 3;
  const { request, hold } = await world.setup.open({ input: texts(100), messages: undefined }, claims, path);
  await until(() => world.engine.calls.length === 2);
  request.destroy();
  await until(() => world.engine.calls[1]?.isAborted === true);
  const promptTokens = 2 * inputsAtOnce + 3 * inputsAtOnce;
  expect(await world.readRecords(hold)).toMatchObject([{ isFinal: false, promptTokens, outcome: "cancelled" }]);
  await pause(50);
  expect(world.engine.calls).toHaveLength(2);
});

test("who leaves in the first piece pays no more than that", async () => {
  world.engine.script = () => {};
  const { request, hold } = await world.setup.open({ input: texts(2_048), messages: undefined }, claims, path);
  await until(() => world.engine.calls.length === 1);
  request.destroy();
  expect(await world.readRecords(hold)).toMatchObject([{ promptTokens: 7 * inputsAtOnce, outcome: "cancelled" }]);
});

const refuse: Script = (response) =>
  answerJson(response, 400, {
    error: { message: "Token id 9 is out of vocabulary", type: "BadRequestError", code: 400 },
  });

test("an input that the engine refuses ends the call; the pieces before it are paid, once", async () => {
  world.engine.script = (response, call, request) =>
    inputOf(world.engine.calls.length - 1).includes("text 99")
      ? refuse(response, call, request)
      : embed(response, call, request);
  const { status, hold } = await ask(texts(100));
  expect(status).toBe(400);
  expect(await world.readFinal(hold)).toMatchObject({ promptTokens: 6 * inputsAtOnce, outcome: "failed" });
});

test("a refusal before anything was made costs nothing, nor does an engine that dies on the way", async () => {
  world.engine.script = refuse;
  const first = await ask(texts(100));
  expect(first.status).toBe(400);
  world.engine.script = (response, call, request) =>
    world.engine.calls.length > 2 ? void response.destroy() : embed(response, call, request);
  const second = await ask(texts(100));
  expect(second.status).toBe(502);
  await pause(100);
  const holds = [first.hold, second.hold];
  expect(world.setup.edge.records.filter(({ hold }) => holds.includes(hold) && hold !== "")).toEqual([]);
});

/** The more a text's number says, the better it answers; each pair is three tokens. */
const rank: Script = (response, { path, body }) => {
  const others = (body["documents"] ?? body["text_2"]) as string[];
  const scores = others.map((text, index) => ({ index, score: Number(text.slice(5)) }));
  const usage = { prompt_tokens: 3 * others.length, total_tokens: 3 * others.length };
  if (path === "/v1/score") return answerJson(response, 200, { object: "list", data: scores, usage });
  const results = scores.map(({ index, score }) => ({ index, relevance_score: score })).toReversed();
  return answerJson(response, 200, { id: "rerank-1", results, usage });
};
const ranking = { completionTokensMax: 0, tokensHeld: 100_000 } as const;

test("many documents are ranked in pieces, and the best are chosen of all", async () => {
  world.engine.script = rank;
  const body = { query: "q", documents: texts(70), top_n: 3, messages: undefined };
  const { status, text } = await world.ask(body, { endpoint: "rerank", ...ranking }, "/v1/rerank");
  const answer = JSON.parse(text);
  expect([status, answer.id, answer.usage]).toEqual([200, "rerank-1", expect.objectContaining({ prompt_tokens: 210 })]);
  expect(answer.results).toEqual([69, 68, 67].map((index) => ({ index, relevance_score: index })));
  for (const { body: sent } of world.engine.calls) {
    expect(sent).toMatchObject({ query: "q" });
    expect(sent).not.toHaveProperty("top_n");
  }
  expect(world.engine.calls.map(({ body: sent }) => (sent["documents"] as unknown[]).length)).toEqual([32, 32, 6]);
});

test("texts that are scored in pairs stay in pairs, and one text goes with all", async () => {
  world.engine.script = rank;
  for (const text_1 of [texts(40), ["one"], "one"]) {
    world.engine.calls.length = 0;
    const body = { text_1, text_2: texts(40), messages: undefined };
    const { text } = await world.ask(body, { endpoint: "score", ...ranking }, "/v1/score");
    expect(JSON.parse(text).data).toEqual(texts(40).map((_, index) => ({ index, score: index })));
    expect(world.engine.calls[1]?.body["text_1"]).toEqual(
      Array.isArray(text_1) && text_1.length > 1 ? texts(40).slice(32) : text_1,
    );
  }
});

test("few documents go to the engine as they came, with the caller's own wish", async () => {
  world.engine.script = rank;
  const body = { query: "q", documents: texts(2), top_n: 1, messages: undefined };
  await world.ask(body, { endpoint: "rerank", ...ranking }, "/v1/rerank");
  expect(world.engine.calls.map(({ body: sent }) => sent["top_n"])).toEqual([1]);
});
