import { expect, test } from "vitest";
import { Month, readMonth, writeMonth } from "#edge/control/costs/month.ts";

test("a month is from its first moment to that of the next, across years", () => {
  expect(readMonth("2026-12")).toEqual({ fromMs: Date.UTC(2026, 11, 1), toMs: Date.UTC(2027, 0, 1) });
  expect(writeMonth(Date.UTC(2026, 11, 31, 23, 59))).toBe("2026-12");
  for (const wrong of ["2026-13", "2026-00", "1999-01", "2026-1", "2026-01-01"])
    expect(Month.safeParse(wrong).success, wrong).toBe(false);
});
