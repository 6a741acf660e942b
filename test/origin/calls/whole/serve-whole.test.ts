import { describe, expect, test } from "vitest";
import { answerJson } from "#test/support/fakes/fake-engine.ts";
import { openCallWorld, pause, whole } from "#test/origin/calls/world.ts";

const world = openCallWorld();

describe("a whole answer", () => {
  test("carries the public model id and the usage that is billed, and nothing of vLLM's own affairs", async () => {
    world.engine.script = (response) => answerJson(response, 200, whole());
    const { status, text, hold, headers } = await world.ask();
    expect(status).toBe(200);
    expect(headers["x-penstock-load"]).toMatch(/^run=1 wait=0 kv=0\.000 held=10000$/);
    const { kv_transfer_params: _, ...expected } = whole({ model: "public" });
    expect(JSON.parse(text)).toEqual(expected);
    expect(await world.readRecords(hold)).toMatchObject([
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

  test("gets its usage from the tokenizer when the engine reports none", async () => {
    world.engine.script = (response) => answerJson(response, 200, whole({ usage: undefined }));
    const { text, hold } = await world.ask();
    expect(JSON.parse(text).usage).toEqual({ prompt_tokens: 7, completion_tokens: 7, total_tokens: 14 });
    expect(await world.readRecords(hold)).toMatchObject([{ promptTokens: 7, completionTokens: 7 }]);
  });

  test("is never billed as nothing when there is text", async () => {
    world.engine.script = (response) =>
      answerJson(response, 200, whole({ usage: { prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 } }));
    const { hold } = await world.ask();
    expect(await world.readRecords(hold)).toMatchObject([{ completionTokens: 1 }]);
  });

  test("embeddings are billed their prompt", async () => {
    world.engine.script = (response) =>
      answerJson(response, 200, {
        object: "list",
        model: "engine/name",
        data: [{ index: 0, embedding: [0.1, -2e-7] }],
        usage: { prompt_tokens: 3, total_tokens: 3, completion_tokens: 0 },
      });
    const { text, hold } = await world.ask(
      { input: "abc", messages: undefined },
      { endpoint: "embeddings", completionTokensMax: 0 },
      "/v1/embeddings",
    );
    expect(JSON.parse(text)).toMatchObject({
      model: "public",
      data: [{ embedding: [0.1, -2e-7] }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
    expect(world.engine.calls[0]?.body).not.toHaveProperty("max_tokens");
    expect(await world.readRecords(hold)).toMatchObject([
      { promptTokens: 3, completionTokens: 0, outcome: "completed" },
    ]);
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
    world.engine.script = (response) => answerJson(response, 200, body);
    const { status, text, hold } = await world.ask();
    expect(status).toBe(502);
    expect(JSON.parse(text).error).toMatchObject({ code: "bad_gateway", param: null });
    await pause(150);
    expect(world.setup.edge.records.filter((record) => record.hold === hold)).toHaveLength(0);
  });

  test("an answer that breaks off in its body is a bad gateway, not half an answer", async () => {
    world.engine.script = (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"id":"x","choices":[');
      setTimeout(() => response.destroy(), 20);
    };
    expect((await world.ask()).status).toBe(502);
  });

  test("one that takes long is kept alive with white space, which is still JSON", async () => {
    world.engine.script = async (response) => {
      await pause(500);
      answerJson(response, 200, whole());
    };
    const { status, text, hold } = await world.ask();
    expect(status).toBe(200);
    expect(text).toMatch(/^ {2,}\{/);
    expect(JSON.parse(text).model).toBe("public");
    expect(await world.readRecords(hold)).toMatchObject([{ isFinal: true, completionTokens: 4 }]);
  });

  test("one that fails after white space was sent is cut, so that nobody takes it for an answer", async () => {
    world.engine.script = async (response) => {
      await pause(400);
      answerJson(response, 500, {});
    };
    const { isCut, text, hold } = await world.ask();
    expect([isCut, text.trim()]).toEqual([true, ""]);
    expect(await world.readRecords(hold)).toMatchObject([{ isFinal: true, completionTokens: 0, outcome: "failed" }]);
  });
});
