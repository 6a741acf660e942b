import { z } from "@hono/zod-openapi";

/** A UTC month: `2026-11`. */
export const Month = z
  .string()
  .regex(/^20\d\d-(0[1-9]|1[0-2])$/, "Give a month as YYYY-MM.")
  .openapi({ description: "A UTC month, YYYY-MM." });

/** When a UTC month begins, and when the next does, in Unix ms. */
export interface MonthSpan {
  fromMs: number;
  toMs: number;
}

/** The span of a month that is written as YYYY-MM. */
export function readMonth(month: string): MonthSpan {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return { fromMs: Date.UTC(year, number - 1, 1), toMs: Date.UTC(year, number, 1) };
}

/** The month of a moment, as YYYY-MM. */
export function writeMonth(ms: number): string {
  return new Date(ms).toISOString().slice(0, 7);
}
