import { subBuckets } from "../limits.ts";

/** What a window has given away: `held` may come back, `settled` is spent. */
export interface Use {
  held: number;
  settled: number;
}

/**
 * A sliding window in sub-buckets, sparse: `at` are bucket numbers (Unix ms ÷ width, ascending), beside each what it
 * holds. The two sums are over all that is listed; what has slid out is dropped at the next booking, and left out of
 * any reading before that.
 */
export interface SlidingWindow {
  at: number[];
  held: number[];
  settled: number[];
  sum: Use;
}

const dayMs = 86_400_000;

/** A window that has given nothing away. */
export function createSlidingWindow(): SlidingWindow {
  return { at: [], held: [], settled: [], sum: { held: 0, settled: 0 } };
}

/** The width of a sub-bucket in a window of this length. */
export function toBucketMs(lengthMs: number): number {
  return lengthMs / subBuckets;
}

/** The number of the sub-bucket that a time falls into. */
export function toBucket(atMs: number, lengthMs: number): number {
  return Math.floor(atMs / toBucketMs(lengthMs));
}

/**
 * The bucket is counted from its start until `bucketEnd`: 60 whole buckets after its own. That is up to one bucket
 * longer than the window, and the reason that no true sliding window ever holds more than the limit.
 */
export function bucketEnd(bucket: number, widthMs: number): number {
  return (bucket + subBuckets + 1) * widthMs;
}

/**
 * Books into a bucket: that of now, or of a lease's end, which lies ahead. So `current`, the bucket of now, is as new
 * as any that was current before, while `bucket` may be older than one that is listed.
 */
export function addToSliding(
  sliding: SlidingWindow,
  { bucket, current }: { bucket: number; current: number },
  held: number,
  settled: number,
): void {
  dropOld(sliding, current);
  let index = sliding.at.length;
  while (index > 0 && (sliding.at[index - 1] ?? 0) > bucket) index--;
  if (sliding.at[index - 1] !== bucket) {
    sliding.at.splice(index, 0, bucket);
    sliding.held.splice(index, 0, 0);
    sliding.settled.splice(index, 0, 0);
  }
  adjustSliding(sliding, bucket, held, settled);
}

/** Adds to (or takes from) a bucket that was booked before; one that has slid out no longer matters. */
export function adjustSliding(sliding: SlidingWindow, bucket: number, held: number, settled: number): void {
  const index = sliding.at.lastIndexOf(bucket);
  if (index < 0) return;
  sliding.held[index] = (sliding.held[index] ?? 0) + held;
  sliding.settled[index] = (sliding.settled[index] ?? 0) + settled;
  sliding.sum.held += held;
  sliding.sum.settled += settled;
}

/** What the window holds when `bucket` is the current one. Changes nothing. */
export function readSliding(sliding: SlidingWindow, bucket: number): Use {
  let { held, settled } = sliding.sum;
  for (let i = 0; i < sliding.at.length && (sliding.at[i] ?? 0) < bucket - subBuckets; i++) {
    held -= sliding.held[i] ?? 0;
    settled -= sliding.settled[i] ?? 0;
  }
  return { held, settled };
}

/**
 * The last bucket that has to slide out before `amount` has come free; the newest with anything in it when all of them
 * do not suffice. `null`: empty.
 */
export function findFreeingBucket(sliding: SlidingWindow, bucket: number, amount: number): number | null {
  let freed = 0;
  let last: number | null = null;
  for (let i = 0; i < sliding.at.length && freed < amount; i++) {
    const at = sliding.at[i] ?? 0;
    const count = (sliding.held[i] ?? 0) + (sliding.settled[i] ?? 0);
    if (at < bucket - subBuckets || count === 0) continue;
    freed += count;
    last = at;
  }
  return last;
}

/** The UTC day of a time, counted from 1970-01-01. */
export function toDay(ms: number): number {
  return Math.floor(ms / dayMs);
}

/**
 * The UTC month of a time, counted from January of year 0. Integers only, so that Lua can do the same (civil_from_days,
 * Hinnant 2013).
 */
export function toMonth(ms: number): number {
  const days = toDay(ms) + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  // Years of that algorithm begin in March, so months are counted from March of year 0.
  return (era * 400 + yearOfEra) * 12 + Math.floor((5 * dayOfYear + 2) / 153) + 2;
}

/** When the next UTC day begins. */
export function nextDayMs(ms: number): number {
  return (toDay(ms) + 1) * dayMs;
}

/** When the next UTC month begins. */
export function nextMonthMs(ms: number): number {
  const marchMonth = toMonth(ms) + 1 - 2;
  const year = Math.floor(marchMonth / 12);
  const daysBefore = Math.floor((153 * (marchMonth - year * 12) + 2) / 5);
  const days =
    year * 365 + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400) + daysBefore - 719_468;
  return days * dayMs;
}

function dropOld(sliding: SlidingWindow, bucket: number): void {
  let gone = 0;
  while (gone < sliding.at.length && (sliding.at[gone] ?? 0) < bucket - subBuckets) {
    sliding.sum.held -= sliding.held[gone] ?? 0;
    sliding.sum.settled -= sliding.settled[gone] ?? 0;
    gone++;
  }
  if (gone === 0) return;
  sliding.at.splice(0, gone);
  sliding.held.splice(0, gone);
  sliding.settled.splice(0, gone);
}
