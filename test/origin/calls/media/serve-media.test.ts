import { describe, expect, test } from "vitest";
import { until } from "#test/support/fakes/origin.ts";
import { readAnswer } from "#test/support/fakes/origin.ts";
import type { Script } from "#test/support/fakes/fake-engine.ts";
import { openMediaWorld } from "./world.ts";

const world = openMediaWorld();
const fields = { model: "public", input: "hello", voice: "v" };
const ask = (over: object = {}) => world.ask({ endpoint: "audio.speech", fields: { ...fields, ...over } });
const sound =
  (type: string, ...pieces: (string | Buffer)[]): Script =>
  async (response) => {
    response.writeHead(200, { "content-type": type });
    for (const piece of pieces) {
      response.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    response.end();
  };

describe("speech", () => {
  test("passes as it comes, byte for byte, under our own name of its type", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    world.engine.script = sound("audio/x-wav; rate=1", bytes, bytes);
    const { answer, hold } = world.open({ endpoint: "audio.speech", fields });
    const response = await answer;
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part);
    expect([response.statusCode, response.headers["content-type"]]).toEqual([200, "audio/wav"]);
    expect(Buffer.concat(parts)).toEqual(Buffer.concat([bytes, bytes]));
    expect(world.engine.calls[0]?.body).toEqual({ ...fields, model: "engine/name" });
    expect(await world.readRecords(hold)).toMatchObject([
      { isFinal: true, outcome: "completed", units: 5, promptTokens: 50, completionTokens: 0 },
    ]);
  });

  test("has the type that was asked for where the engine names none", async () => {
    world.engine.script = sound("application/octet-stream", "x");
    expect((await ask({ response_format: "mp3" })).headers["content-type"]).toBe("audio/mpeg");
    expect((await ask()).status).toBe(502);
  });

  test.each([
    ["JSON", sound("application/json", "{}")],
    ["nothing", sound("audio/wav")],
    ["a page", sound("text/html", "<html>")],
  ] as [string, Script][])("that is %s is a 502, which another node may mend", async (_, script) => {
    world.engine.script = script;
    const { status, hold } = await ask({ response_format: "wav" });
    expect(status).toBe(502);
    expect(world.setup.edge.records.filter((record) => record.hold === hold)).toEqual([]);
  });

  test("whose engine breaks off, or falls silent, is cut off and billed nothing", async () => {
    for (const end of [(response: { destroy(): void }) => response.destroy(), () => undefined]) {
      world.engine.script = async (response) => {
        response.writeHead(200, { "content-type": "audio/wav" });
        response.write("RIFF");
        await new Promise((resolve) => setTimeout(resolve, 30));
        end(response);
      };
      const { isCut, text, hold } = await ask();
      expect([isCut, text]).toEqual([true, "RIFF"]);
      expect(await world.readRecords(hold)).toMatchObject([{ isFinal: true, outcome: "failed", units: 0 }]);
    }
  });

  test("whose caller leaves stops the engine, and is billed whole", async () => {
    world.engine.script = (response) => {
      response.writeHead(200, { "content-type": "audio/wav" });
      response.write("RIFF");
    };
    const { request, answer, hold } = world.open({ endpoint: "audio.speech", fields });
    (await answer).on("error", () => {}).once("data", () => request.destroy());
    expect(await world.readRecords(hold)).toMatchObject([{ isFinal: true, outcome: "cancelled", units: 5 }]);
    await until(() => world.engine.calls[0]?.isAborted === true, 1_000);
  });

  test("beyond its deadline is ended", async () => {
    world.engine.script = (response) => {
      response.writeHead(200, { "content-type": "audio/wav" });
      const timer = setInterval(() => response.write("x"), 50);
      response.on("close", () => clearInterval(timer));
    };
    const claims = { deadlineMs: Date.now() + 1_300 };
    const { answer, hold } = world.open({ endpoint: "audio.speech", fields, claims });
    expect((await readAnswer(await answer)).isCut).toBe(true);
    expect(await world.readRecords(hold)).toMatchObject([{ outcome: "cancelled", units: 5 }]);
  });
});

describe("nothing is asked of an engine", () => {
  test("for more than is held, or without what a unit counts for", async () => {
    expect((await world.ask({ endpoint: "audio.speech", fields, claims: { tokensHeld: 49 } })).status).toBe(502);
    const { status } = await world.ask({
      endpoint: "images.generations",
      fields: { prompt: "x", n: 5 },
      claims: { tokensHeld: 49 },
    });
    expect([status, world.engine.calls]).toEqual([502, []]);
  });

  test("under a token for another endpoint", async () => {
    const { status } = await world.ask({
      endpoint: "audio.speech",
      fields,
      claims: { endpoint: "images.generations" },
    });
    expect([status, world.engine.calls]).toEqual([401, []]);
  });
});
