import { expect, test } from "vitest";
import { layOut, readSpan } from "#edge/portal/model/span.ts";

test("a span ends with the step that is now, and begins on a whole hour or UTC day", () => {
  const nowMs = Date.parse("2026-11-30T05:17:00Z");
  const week = layOut("7d", nowMs);
  expect(week.from).toBe("2026-11-24T00:00:00.000Z");
  expect(week.steps).toHaveLength(7);
  const day = layOut("24h", nowMs);
  expect(day.by).toBe("hour");
  expect(day.from).toBe("2026-11-29T06:00:00.000Z");
  expect(new Date(day.steps.at(-1) ?? 0).toISOString()).toBe("2026-11-30T05:00:00.000Z");
});

test("what an address holds is a span or the usual one", () => {
  expect(readSpan("30d")).toBe("30d");
  expect(readSpan(["30d"])).toBe("7d");
});
