import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  adjustSliding,
  addToSliding,
  bucketEnd,
  findFreeingBucket,
  toDay,
  createSlidingWindow,
  toBucketMs,
  toMonth,
  nextDayMs,
  nextMonthMs,
  readSliding,
} from "#edge/ledger/windows.ts";

const anyTime = fc.integer({ min: 0, max: Date.UTC(2400, 0, 1) });

test("days and months are those of the UTC calendar, leap years and centuries included", () => {
  fc.assert(
    fc.property(anyTime, (ms) => {
      const date = new Date(ms);
      expect(toDay(ms)).toBe(Math.floor(ms / 86_400_000));
      expect(toMonth(ms)).toBe(date.getUTCFullYear() * 12 + date.getUTCMonth());
      expect(nextDayMs(ms)).toBe(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 1));
      expect(nextMonthMs(ms)).toBe(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1));
    }),
    // The last day of the Gregorian calendar's 400 years: no random day finds it.
    { numRuns: 5_000, examples: [[Date.UTC(2000, 1, 29)], [Date.UTC(2000, 2, 1) - 1], [Date.UTC(2000, 2, 1)]] },
  );
});

test("a sub-bucket is a second of the minute, a minute of the hour, and counts for 60 more after its own", () => {
  expect([toBucketMs(60_000), toBucketMs(3_600_000), bucketEnd(10, toBucketMs(60_000))]).toEqual([
    1_000, 60_000, 71_000,
  ]);
});

test("no true sliding span holds more than the window counted, and nothing older than 61 sub-buckets counts", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9_000), { minLength: 1, maxLength: 150, size: "max" }), (gaps) => {
      const sliding = createSlidingWindow();
      const times: number[] = [];
      let ms = 0;
      for (const gap of gaps) {
        ms += gap;
        times.push(ms);
        const bucket = Math.floor(ms / toBucketMs(60_000));
        addToSliding(sliding, { bucket, current: bucket }, 0, 1);
        const counted = readSliding(sliding, bucket).settled;
        expect(counted).toBeGreaterThanOrEqual(times.filter((time) => time >= ms - 60_000).length);
        expect(counted).toBeLessThanOrEqual(times.filter((time) => time > ms - 61_000).length);
      }
    }),
  );
});

test("a slide never lists more than the buckets that count, however long it is booked", () => {
  const sliding = createSlidingWindow();
  for (let bucket = 0; bucket < 1_000; bucket++) addToSliding(sliding, { bucket, current: bucket }, 1, 1);
  expect([sliding.at.length, sliding.held.length, sliding.settled.length]).toEqual([61, 61, 61]);
  expect(sliding.sum).toEqual({ held: 61, settled: 61 });
});

test("what was held becomes settled in its own bucket, and nothing changes once that has slid out", () => {
  const sliding = createSlidingWindow();
  addToSliding(sliding, { bucket: 100, current: 100 }, 30, 0);
  addToSliding(sliding, { bucket: 130, current: 130 }, 5, 0);
  adjustSliding(sliding, 100, -30, 12);
  expect(readSliding(sliding, 160)).toEqual({ held: 5, settled: 12 });
  expect(readSliding(sliding, 161)).toEqual({ held: 5, settled: 0 });
  expect([
    findFreeingBucket(sliding, 160, 12),
    findFreeingBucket(sliding, 160, 13),
    findFreeingBucket(sliding, 160, Infinity),
    findFreeingBucket(sliding, 191, 1),
  ]).toEqual([100, 130, 130, null]);
  addToSliding(sliding, { bucket: 161, current: 161 }, 0, 1);
  adjustSliding(sliding, 100, 0, 99);
  expect(readSliding(sliding, 161)).toEqual({ held: 5, settled: 1 });
});

test("what is booked ahead stands in order, and lets nothing go that still counts", () => {
  const sliding = createSlidingWindow();
  addToSliding(sliding, { bucket: 100, current: 100 }, 0, 1);
  addToSliding(sliding, { bucket: 161, current: 160 }, 0, 10);
  addToSliding(sliding, { bucket: 160, current: 160 }, 0, 100);
  addToSliding(sliding, { bucket: 161, current: 161 }, 0, 1_000);
  expect(sliding.at).toEqual([160, 161]);
  expect(readSliding(sliding, 161).settled).toBe(1_110);
  expect(readSliding(sliding, 221).settled).toBe(1_010);
  const earlier = createSlidingWindow();
  addToSliding(earlier, { bucket: 100, current: 100 }, 0, 1);
  addToSliding(earlier, { bucket: 161, current: 160 }, 0, 10);
  expect(readSliding(earlier, 160).settled).toBe(11);
});
