import type { RoundPlan } from "./rounds.ts";
import type { BenchRow } from "./row.ts";
import type { Stage } from "./stage.ts";

/** What every row is given: the stage, how long to measure, and whether only correctness counts. */
export interface Bench {
  stage: Stage;
  plan: Omit<RoundPlan, "pid"> & { warmMs: number; windowMs: number };
  isSmoke: boolean;
}

/** Measures one or more lines of the table. Throws a BrokenError when an answer or a count is wrong. */
export type MeasureRows = (bench: Bench) => Promise<BenchRow[]>;
