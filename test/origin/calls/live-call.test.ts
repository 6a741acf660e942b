import { expect, test } from "vitest";
import { answerJson, textChunks, streamChunks } from "#test/support/fakes/fake-engine.ts";
import { until } from "#test/support/fakes/origin.ts";
import { openCallWorld, pause, whole } from "#test/origin/calls/world.ts";

const world = openCallWorld();

test("once enough calls have ended, an answer carries the traffic profile of this org and model alone", async () => {
  const readProfileAfter = async (calls: number, claims: Record<string, unknown>) => {
    for (let at = 0; at < calls; at++) await world.ask({}, claims);
    return (await world.ask({}, claims)).headers["x-penstock-profile"];
  };
  world.engine.script = (response) => answerJson(response, 200, whole());
  const mine = { org: "org_habits0001", promptTokensGuess: 5 };
  expect(await readProfileAfter(15, mine)).toBeUndefined();
  expect(await readProfileAfter(0, mine)).toBe("out=4 cached=5 ratio=1.400");
  expect(await readProfileAfter(0, { org: "org_habits0002" })).toBeUndefined();
  world.engine.script = (response) => streamChunks(response, textChunks(["a"]));
  const { headers } = await world.ask({ stream: true }, mine);
  expect(headers["x-penstock-profile"]).toMatch(/^out=4 cached=5 ratio=1\.4/);
});

test("a caller who leaves before the answer stops the engine; their prompt is checkpointed, not settled", async () => {
  world.engine.script = () => {};
  const { request, hold } = await world.setup.open();
  await until(() => world.engine.calls.length === 1);
  request.destroy();
  await until(() => world.engine.calls[0]?.isAborted === true);
  expect(await world.readRecords(hold)).toMatchObject([
    { isFinal: false, promptTokens: 7, completionTokens: 0, outcome: "cancelled" },
  ]);
});

test("a call whose time was over before its engine was asked costs nothing", async () => {
  world.engine.script = (response) => answerJson(response, 200, whole());
  for (const stream of [true, false]) {
    const { status, hold } = await world.ask(
      { stream },
      { deadlineMs: Math.floor(Date.now() / 1_000) * 1_000 - 1_000 },
    );
    expect(status).toBe(504);
    await pause(300);
    expect(world.setup.edge.records.filter((record) => record.hold === hold)).toEqual([]);
  }
  expect(world.engine.calls).toEqual([]);
});
