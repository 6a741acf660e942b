import { describe, expect, test } from "vitest";
import { computeCostMicros } from "#edge/agreements/records/model.ts";
import { usageColumnNames } from "#edge/agreements/records/usage-columns.ts";
import { cast } from "#infra/local/demo-orgs/cast.ts";
import { writeHistory, type Past } from "#infra/local/demo-orgs/history.ts";
import { openChance } from "#infra/local/demo-orgs/random.ts";
import { defaultModels } from "#infra/local/stack.ts";

const dayMs = 86_400_000;
/** A Monday. */
const startMs = Date.UTC(2026, 8, 7);
const pasts: Past[] = cast.map((one) => ({
  cast: one,
  org: `org_${one.name}`,
  keys: Object.fromEntries(one.keys.map(({ name }) => [name, `key_${name}`])),
  models: defaultModels,
  seed: "a",
}));
const [week = []] = pasts.map((past) => [...writeHistory(past, startMs, startMs + 14 * dayMs)]);

describe.each(pasts)("the past of $cast.name", (past) => {
  const lines = [...writeHistory(past, startMs, startMs + 14 * dayMs)];

  test("has every column of the bill, no line twice, and costs that agree with the models' prices", () => {
    expect(lines.length).toBeGreaterThan(1_000);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    for (const line of lines) {
      expect(Object.keys(line).toSorted()).toEqual([...usageColumnNames].toSorted());
      const model = defaultModels.find(({ id }) => id === line.model)!;
      const price = model.prices[line.tier === "complex" ? "complex" : "shared"];
      const [prompt, completion, cached] = [line.promptTokens, line.completionTokens, line.cachedTokens].map(Number);
      expect(line.costMicros).toBe(computeCostMicros(price, prompt!, completion!, cached));
      expect(cached).toBeLessThanOrEqual(prompt!);
      expect(line.id).toMatch(/^hold_[0-9A-Za-z]{22}$/);
    }
  });

  test("shows every key, endings of each kind, and what its week is like", () => {
    const values = (name: keyof (typeof lines)[number]) => new Set(lines.map((line) => line[name]));
    expect(values("key").size).toBe(past.cast.keys.length);
    expect([...values("end")].toSorted()).toEqual(["cancelled", "completed", "expired", "failed"]);
    expect([...values("tier")].toSorted()).toEqual(["complex", "shared"]);
    expect(values("model").size).toBeGreaterThan(1);
    const isWeekend = (at: unknown) => new Date(Number(at)).getUTCDay() % 6 === 0;
    const weekend = lines.filter(({ admittedAtMs }) => isWeekend(admittedAtMs)).length / 4;
    const workingDay = (lines.length - weekend * 4) / 10;
    expect(weekend / workingDay).toBeCloseTo(past.cast.weekendShare, 0);
  });
});

test("the same seed gives the same past, however it is cut; another seed another", () => {
  const [past] = pasts;
  const cutMs = startMs + 5.3 * dayMs;
  const parts = [...writeHistory(past!, startMs, cutMs), ...writeHistory(past!, cutMs, startMs + 14 * dayMs)];
  const whole = new Set(week.map((line) => JSON.stringify(line)));
  expect(parts.filter((line) => !whole.has(JSON.stringify(line)))).toEqual([]);
  // What was under way at the cut is in neither part.
  expect(week.length - parts.length).toBeLessThan(5);
  const others = [...writeHistory({ ...past!, seed: "b" }, startMs, cutMs)];
  expect(others.filter((line) => whole.has(JSON.stringify(line)))).toEqual([]);
});

test("chance is spread over its range, and picks by weight", () => {
  const chance = openChance("a");
  const all = Array.from({ length: 10_000 }, () => chance.next());
  expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...all)).toBeLessThan(1);
  expect(all.reduce((sum, one) => sum + one) / all.length).toBeCloseTo(0.5, 1);
  const picked = Array.from({ length: 10_000 }, () => chance.pick([{ weight: 1 }, { weight: 3 }]).weight);
  expect(picked.filter((weight) => weight === 3).length / picked.length).toBeCloseTo(0.75, 1);
  const amounts = Array.from({ length: 10_000 }, () => chance.around(100, 2)).toSorted((one, other) => one - other);
  expect(amounts[5_000]).toBeGreaterThan(95);
  expect(amounts[5_000]).toBeLessThan(105);
});
