import { describe, expect, test } from "vitest";
import { chunk, doneEvent, openStream, roleChunk, streamChunks, usage } from "#test/support/fakes/fake-engine.ts";
import { eventsOf, textOfStream, until } from "#test/support/fakes/origin.ts";
import { openCallWorld, pause } from "#test/origin/calls/world.ts";

const world = openCallWorld();

test("a stream's final record is in the log before its last byte leaves", async () => {
  world.engine.script = async (response) => {
    openStream(response);
    response.write(chunk("a", usage(7, 1), "stop"));
    await pause(30);
    response.end("data: [DONE]\n\n");
  };
  world.setup.edge.answer = () => 503;
  const { readFileSync, readdirSync } = await import("node:fs");
  const { answer, hold } = await world.setup.open({ stream: true });
  let hasRecord: boolean | null = null;
  (await answer).on("data", (piece: Buffer) => {
    if (!piece.includes("[DONE]")) return;
    const directory = `${world.setup.stateDir}/usage`;
    const files = readdirSync(directory).filter((name) => /^\d+\.jsonl$/.test(name));
    hasRecord = files.some((name) => readFileSync(`${directory}/${name}`, "utf8").includes(hold));
  });
  await until(() => hasRecord !== null);
  expect(hasRecord).toBe(true);
  world.setup.edge.answer = () => 200;
  expect(await world.readRecords(hold)).toHaveLength(1);
});

describe("reasoning that the caller does not want", () => {
  const think = (name: string, text: string, made: number, finish: string | null = null) =>
    chunk(text, usage(7, made), finish).replace('"content"', `"${name}"`);

  test.each(["reasoning", "reasoning_content"])("is asked for, counted, and not passed on: %s", async (name) => {
    world.engine.script = (response) =>
      streamChunks(response, [
        roleChunk,
        chunk("An", usage(7, 1)),
        think(name, "thought", 2),
        think(name, "more", 3),
        chunk("swer", usage(7, 4)),
        think(name, "cut off", 5, "length"),
        doneEvent,
      ]);
    const { text, hold } = await world.ask({ stream: true, include_reasoning: false });
    expect(world.engine.calls[0]?.body).not.toHaveProperty("include_reasoning");
    expect(text).not.toMatch(/thought|more|cut off|reasoning/);
    expect(textOfStream(text)).toBe("Answer");
    expect(eventsOf(text).map((payload) => payload.includes('"length"'))).toEqual([false, false, false, true, false]);
    expect(await world.readRecords(hold)).toMatchObject([{ isFinal: true, outcome: "completed", completionTokens: 5 }]);
    expect((await world.ask({ stream: true })).text).toContain("thought");
  });

  test("keeps the stream alive while nothing else comes, and is told of in checkpoints", async () => {
    world.engine.script = async (response) => {
      openStream(response);
      for (let at = 1; at <= 300; at++) {
        response.write(think("reasoning", "thought", at));
        await pause(1);
      }
      await until(() => world.setup.edge.records.some((record) => !record.isFinal && record.completionTokens >= 256));
      response.end(chunk("x", usage(7, 301), "stop") + doneEvent);
    };
    const { text } = await world.ask({ stream: true, include_reasoning: false });
    expect(text).toMatch(/^: wait/);
    expect(textOfStream(text)).toBe("x");
  });
});
