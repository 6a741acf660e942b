import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { edgeRows } from "#test/support/faults/fault-edge-rows.ts";
import { openStage, runCells, type Stage } from "#test/support/faults/fault-stage.ts";

/** The cells of F1's table (fault-table.ts) whose fault lies at a binding of the edge, for one org: many at a time. */
let stage: Stage;
beforeAll(async () => void (stage = await openStage()));
afterAll(() => stage.close());

describe.concurrent("what fails at the edge for one org", () => {
  runCells(edgeRows, () => stage);
});

test("every fault has struck: no cell passed because nothing happened", async () => {
  expect(await stage.unstruck()).toEqual([]);
});
