import { expect, test } from "vitest";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import { chunk, openStream, usage } from "#test/support/fakes/fake-engine.ts";
import { until } from "#test/support/fakes/origin.ts";
import { openCallWorld } from "#test/origin/calls/world.ts";

const world = openCallWorld();

test.each([
  ["streams", { stream: true }, true],
  ["whole answers", {}, false],
])("on long %s the edge hears how far they are, every 256 tokens", async (_, body, isFinal) => {
  world.engine.script = async (response) => {
    openStream(response);
    world.setup.edge.records.length = 0;
    for (let at = 1; at <= 600; at++) response.write(chunk("x", usage(7, at)));
    await until(() => world.setup.edge.records.some((record) => !record.isFinal && record.completionTokens >= 512));
    response.destroy();
  };
  const { hold } = await world.ask(body);
  const isLast = ({ hold: of, isFinal: is, completionTokens }: UsageRecord) =>
    of === hold && is === isFinal && completionTokens === 600;
  await until(() => world.setup.edge.records.some(isLast));
  const records = await world.readRecords(hold);
  expect(records[0]).toMatchObject({ isFinal: false, responseId: "chatcmpl-fake", outcome: "failed" });
  // A whole answer that broke off may come from another node: nothing here settles it.
  expect(records.at(-1)).toMatchObject({ isFinal, completionTokens: 600, outcome: "failed" });
  expect(records.filter((record) => record.isFinal)).toHaveLength(isFinal ? 1 : 0);
});
