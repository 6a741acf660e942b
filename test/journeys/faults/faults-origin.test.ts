import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { originRows } from "#test/support/faults/fault-origin-rows.ts";
import { openStage, runCells, type Stage } from "#test/support/faults/fault-stage.ts";

/** The cells of F1's table (fault-table.ts) whose fault lies at a node or an engine, for one org: many at a time. */
let stage: Stage;
beforeAll(async () => void (stage = await openStage()));
afterAll(() => stage.close());

describe.concurrent("what fails at nodes and engines for one org", () => {
  runCells(originRows, () => stage);
});

test("every fault has struck: no cell passed because nothing happened", async () => {
  expect(await stage.unstruck()).toEqual([]);
});
