import { expect, it } from "vitest";
import { UsageError } from "#clients/cli/input/flags.ts";
import { readBound, readExpiry, readMoment, readOverlap, readSpan } from "#clients/cli/input/times.ts";

const nowMs = Date.parse("2026-03-10T12:00:00Z");

it("reads times that have a unit, and no bare number", () => {
  expect(["90s", "15m", "24h", "3d"].map(readSpan)).toEqual([90_000, 900_000, 86_400_000, 259_200_000]);
  expect(["", "0", "24", "h", "1.5h", "-1d", "1w", "1 h"].map(readSpan)).toEqual(Array(8).fill(null));
});

it("reads a date as UTC and a moment by its zone, wherever this machine is", () => {
  expect(readMoment("2026-01-31")).toBe(Date.parse("2026-01-31T00:00:00Z"));
  expect(readMoment("2026-01-31T12:00+02:00")).toBe(Date.parse("2026-01-31T10:00:00Z"));
  const wrong = ["2026-01-31T12:00:00", "2026-1-31", "31.01.2026", "2026-02-30", "2026-13-01", "1700000000000", "soon"];
  expect(wrong.map(readMoment)).toEqual(wrong.map(() => null));
});

it("lets a key expire after a time, on a date, at a moment, or never", () => {
  const given = ["30d", "2026-12-31", "2026-12-31T12:00:00Z", "never", undefined];
  expect(given.map((text) => readExpiry(text, nowMs))).toEqual([
    "2026-04-09T12:00:00.000Z",
    "2026-12-31T00:00:00.000Z",
    "2026-12-31T12:00:00.000Z",
    null,
    undefined,
  ]);
  for (const text of ["30", "tomorrow", "2026-12-31T12:00", "999999999d", ""])
    expect(() => readExpiry(text, nowMs)).toThrow(UsageError);
  expect(() => readExpiry("30", nowMs)).toThrow(/^--expires takes/);
});

it("includes the whole day of a --to that is a date", () => {
  expect(readBound("from", "2026-01-31", nowMs)).toBe("2026-01-31T00:00:00.000Z");
  expect(readBound("to", "2026-01-31", nowMs)).toBe("2026-02-01T00:00:00.000Z");
  expect(readBound("to", "2026-01-31T00:00:00Z", nowMs)).toBe("2026-01-31T00:00:00.000Z");
  expect(readBound("from", "7d", nowMs)).toBe("2026-03-03T12:00:00.000Z");
  expect(readBound("from", undefined, nowMs)).toBeUndefined();
  expect(() => readBound("to", "2026-01-31 12:00", nowMs)).toThrow(/^--to takes/);
});

it("takes an overlap of at most 72 hours, in units of its own", () => {
  expect(["0", "15m", "24h", "3d"].map(readOverlap)).toEqual([0, 900, 86_400, 259_200]);
  for (const text of ["24", "4d", "soon", "-1h"]) expect(() => readOverlap(text)).toThrow(/^--overlap .* 72h/);
});
