import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { edgeRows } from "#test/support/faults/fault-edge-rows.ts";
import { originRows, serialRows } from "#test/support/faults/fault-origin-rows.ts";
import { openStage, runCells, type Stage } from "#test/support/faults/fault-stage.ts";

/** Every cell of F1's table (fault-table.ts) but those of a ledger in Redis (faults-redis.test.ts). */
let stage: Stage;
beforeAll(async () => void (stage = await openStage()));
afterAll(() => stage.close());

describe.concurrent("what fails for one org", () => {
  runCells({ ...edgeRows, ...originRows }, () => stage);
});
describe("what fails for a whole node", () => {
  runCells(serialRows, () => stage);
});

test("every fault has struck: no cell passed because nothing happened", async () => {
  expect(await stage.unstruck()).toEqual([]);
});
