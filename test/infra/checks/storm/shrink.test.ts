import { describe, expect, test } from "vitest";
import { makePlan } from "#infra/checks/storm/plan/make-plan.ts";
import type { PlanOptions } from "#infra/checks/storm/plan/plan.ts";
import { writeReplayCommand, shrink } from "#infra/checks/storm/shrink.ts";

const seed =
  Array.from({ length: 40 }, (_, index) => index).find(
    (candidate) =>
      makePlan({ seed: candidate, callers: 9, store: "upstash", edges: null, without: [] }).faults.length === 3,
  ) ?? 0;
const whole: PlanOptions = { seed, callers: 1_600, store: "upstash", edges: null, without: [] };

describe("shrinking", () => {
  test("keeps the fault that matters, and as few callers as still fail", async () => {
    const smallest = await shrink(whole, async ({ without, callers }) => !without.includes(2) && callers >= 300, 50);
    expect(smallest).toEqual({ ...whole, without: [1, 3], callers: 400 });
  });

  test("what never fails again stays as it was", async () => {
    expect(await shrink(whole, async () => false, 50)).toEqual(whole);
  });

  test("ends after so many storms, and never goes below the callers that can show anything", async () => {
    const tried: PlanOptions[] = [];
    const smallest = await shrink(whole, async (options) => tried.push(options) > 0, 5);
    expect(tried).toHaveLength(5);
    expect(smallest).toEqual({ ...whole, without: [1, 2, 3], callers: 400 });
    expect((await shrink(whole, async () => true, 50)).callers).toBe(25);
  });

  test("says how to run it again", () => {
    expect(writeReplayCommand({ ...whole, seed: 7, without: [1, 3], edges: 2 })).toBe(
      "npm run storm -- --seed 7 --store upstash --callers 1600 --edges 2 --without 1,3",
    );
  });
});
