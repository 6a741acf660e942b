import { z } from "@hono/zod-openapi";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bucketWidths, describeBuckets, readBuckets, showBuckets } from "#edge/control/openai-admin/usage/buckets.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const day = bucketWidths["1d"];
const hour = bucketWidths["1h"];
const nowMs = Date.parse("2026-11-30T12:34:56Z");
const seconds = (iso: string) => Date.parse(iso) / 1_000;

test("buckets are whole UTC days or hours around what was asked for", () => {
  const start_time = seconds("2026-11-28T10:00:00Z");
  const page = readBuckets({ start_time }, day, nowMs);
  expect(page.starts.map((ms) => new Date(ms).toISOString().slice(0, 10))).toEqual([
    "2026-11-28",
    "2026-11-29",
    "2026-11-30",
  ]);
  expect(page.nextPage).toBeNull();
  const end_time = seconds("2026-11-28T11:30:00Z");
  expect(readBuckets({ start_time, end_time }, hour, nowMs).starts).toHaveLength(2);
});

test("pages cover a range once, without a gap, whatever the limit", () => {
  const range = fc.record({
    start: fc.integer({ min: 0, max: 2_000_000_000 }),
    length: fc.integer({ min: 1, max: 40 * 86_400 }),
    limit: fc.integer({ min: 1, max: 31 }),
    width: fc.constantFrom(day, hour),
  });
  fc.assert(
    fc.property(range, ({ start, length, limit, width }) => {
      const query = { start_time: start, end_time: start + length, limit };
      const starts: number[] = [];
      let page: string | null = null;
      do {
        const read = readBuckets({ ...query, ...(page !== null && { page }) }, width, nowMs);
        starts.push(...read.starts);
        page = read.nextPage;
      } while (page !== null);
      const { ms } = width;
      const firstMs = Math.floor((start * 1_000) / ms) * ms;
      const count = Math.ceil(((start + length) * 1_000 - firstMs) / ms);
      expect(starts).toEqual(Array.from({ length: count }, (_, at) => firstMs + at * ms));
    }),
    { numRuns: 60 },
  );
});

test("what is no range, no limit and no page is refused by its name", async () => {
  const start_time = seconds("2026-11-28T00:00:00Z");
  for (const [query, param] of [
    [{ limit: 0 }, "limit"],
    [{ limit: 32 }, "limit"],
    [{ end_time: start_time }, "end_time"],
    [{ page: `page_${start_time + 1}` }, "page"],
    [{ page: `page_${start_time - 86_400}` }, "page"],
    [{ page: `page_${start_time + 86_400 * 9}` }, "page"],
  ] as const) {
    const refused = expectRefusal(async () => readBuckets({ start_time, ...query }, day, nowMs), "invalid_value");
    expect([query, (await refused).details.param]).toEqual([query, param]);
  }
  expect(readBuckets({ start_time: start_time + 86_400 * 9 }, day, nowMs).starts).toEqual([]);
});

test("each row stands in its bucket, and a bucket without one is empty", () => {
  const start_time = seconds("2026-11-29T00:00:00Z");
  const page = readBuckets({ start_time }, day, nowMs);
  const rows = [{ atMs: page.starts[1] ?? 0, calls: 3 }];
  const shown = showBuckets(page, day.ms, rows, ({ calls }) => ({ calls }));
  expect(shown).toEqual({
    object: "page",
    data: [
      { object: "bucket", start_time, end_time: start_time + 86_400, results: [] },
      { object: "bucket", start_time: start_time + 86_400, end_time: start_time + 172_800, results: [{ calls: 3 }] },
    ],
    has_more: false,
    next_page: null,
  });
  expect(describeBuckets(z.strictObject({ calls: z.int() }), "Some").parse(shown)).toEqual(shown);
});
