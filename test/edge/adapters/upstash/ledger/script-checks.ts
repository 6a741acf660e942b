import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { expect } from "vitest";
import {
  adjustSliding,
  addToSliding,
  findFreeingBucket,
  createSlidingWindow,
  readSliding,
} from "#edge/ledger/windows.ts";

const dayMs = 86_400_000;
const endOnFailure = process.env["SHRINK"] === undefined;

/**
 * The first piece of the script (`script-counters.ts`), taken out of the function around it: functions that ask Redis
 * nothing.
 */
const cutCounters = (script: string) =>
  script.slice(0, script.indexOf("local RECORDS")).replace("local function run()", "");

/** The script's calendar is that of UTC. */
export async function checkCalendar(redis: Redis, script: string): Promise<void> {
  const lua = `${cutCounters(script)} local months = {}
    for i, ms in ipairs(ARGV) do months[i] = int(toMonth(tonumber(ms))) .. " " .. int(nextMonthMs(tonumber(ms))) end
    return months`;
  const days = fc.array(fc.integer({ min: 0, max: Date.UTC(2400, 0, 1) / dayMs }), {
    minLength: 1_000,
    maxLength: 1_000,
  });
  const property = fc.asyncProperty(days, async (some) => {
    // The last day of the Gregorian calendar's 400 years: no random day finds it.
    const times = [Date.UTC(2000, 1, 29) / dayMs, ...some].flatMap((day) => [day * dayMs, (day + 1) * dayMs - 1]);
    const [year, month] = [(ms: number) => new Date(ms).getUTCFullYear(), (ms: number) => new Date(ms).getUTCMonth()];
    const expected = times.map((ms) => `${year(ms) * 12 + month(ms)} ${Date.UTC(year(ms), month(ms) + 1, 1)}`);
    expect(await redis.eval(lua, 0, ...times)).toEqual(expected);
  });
  await fc.assert(property, { numRuns: 10, endOnFailure });
}

/**
 * The script's sliding windows answer as the pure ledger's, written to text and read again at every step, and list as
 * few buckets.
 */
export async function checkSlides(redis: Redis, script: string): Promise<void> {
  const lua = `${cutCounters(script)} local sliding, answers = parseSliding(""), {}
    for i = 1, #ARGV, 6 do
      local now, bucket, isNew = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), ARGV[i + 5] == "1"
      local held, settled, amount = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
      if isNew then
        addToSliding(sliding, bucket, now, held, settled)
      else
        adjustSliding(sliding, bucket, held, settled)
      end
      sliding = parseSliding(writeSliding(sliding))
      local heldNow, settledNow = readSliding(sliding, now)
      local frees, count = findFreeingBucket(sliding, now, amount) or -1, 0
      for _ in buckets(sliding) do count = count + 1 end
      answers[#answers + 1] = concat({ int(heldNow), int(settledNow), int(frees), int(count) }, " ")
    end return answers`;
  const step = fc.record({
    gap: fc.oneof(fc.nat(3), fc.nat(70)),
    /** A lease is booked ahead of now, and what is booked may change wherever it stands. */
    ahead: fc.oneof(fc.constant(0), fc.nat(6)),
    back: fc.oneof(fc.constant(0), fc.nat(70)),
    isNew: fc.boolean(),
    held: fc.nat(9),
    settled: fc.nat(9),
    amount: fc.nat(60),
  });
  const property = fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120, size: "max" }), async (steps) => {
    const sliding = createSlidingWindow();
    let now = 1_000;
    const args: number[] = [];
    const expected = steps.map(({ gap, ahead, back, isNew, held, settled, amount }) => {
      now += gap;
      const bucket = isNew ? now + ahead : now + ahead - back;
      args.push(now, bucket, held, settled, amount, isNew ? 1 : 0);
      if (isNew) addToSliding(sliding, { bucket, current: now }, held, settled);
      else adjustSliding(sliding, bucket, held, settled);
      const use = readSliding(sliding, now);
      return `${use.held} ${use.settled} ${findFreeingBucket(sliding, now, amount) ?? -1} ${sliding.at.length}`;
    });
    expect(await redis.eval(lua, 0, ...args)).toEqual(expected);
  });
  await fc.assert(property, { numRuns: 100, endOnFailure });
}
