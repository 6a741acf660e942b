import { expect, test } from "vitest";
import { chunk, openStream, usage } from "#test/support/fakes/fake-engine.ts";
import { until } from "#test/support/fakes/origin.ts";
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

test("on long streams the edge hears how far they are, every 256 tokens", async () => {
  world.engine.script = async (response) => {
    openStream(response);
    for (let at = 1; at <= 600; at++) response.write(chunk("x", usage(7, at)));
    await until(() => world.setup.edge.records.some((record) => !record.isFinal && record.completionTokens >= 512));
    response.destroy();
  };
  const { hold } = await world.ask({ stream: true });
  await until(() => world.setup.edge.finals().some((record) => record.hold === hold));
  const records = await world.readRecords(hold);
  expect(records.at(-1)).toMatchObject({ isFinal: true, completionTokens: 600 });
});
