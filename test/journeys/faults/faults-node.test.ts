import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serialRows } from "#test/support/faults/fault-origin-rows.ts";
import { openStage, runCells, type Stage } from "#test/support/faults/fault-stage.ts";

/** The cells of F1's table (fault-table.ts) whose fault strikes all that a node does: one after the other. */
let stage: Stage;
beforeAll(async () => void (stage = await openStage()));
afterAll(() => stage.close());

describe("what fails for a whole node", () => {
  runCells(serialRows, () => stage);
});

test("every fault has struck: no cell passed because nothing happened", async () => {
  expect(await stage.unstruck()).toEqual([]);
});
