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
export interface Slide {
  at: number[];
  held: number[];
  settled: number[];
  sum: Use;
}

/** Widths of a sub-bucket. */
export const minuteBucketMs = 60_000 / subBuckets;
export const hourBucketMs = 3_600_000 / subBuckets;
const dayMs = 86_400_000;

/** A window that has given nothing away. */
export function emptySlide(): Slide {
  return { at: [], held: [], settled: [], sum: { held: 0, settled: 0 } };
}

/**
 * The bucket is counted from its start until `bucketEnd`: 60 whole buckets after its own. That is up to one bucket
 * longer than the window, and the reason that no true sliding window ever holds more than the limit.
 */
export function bucketEnd(bucket: number, widthMs: number): number {
  return (bucket + subBuckets + 1) * widthMs;
}

/** Books into a bucket that is at least as new as any booked before. */
export function bookSlide(slide: Slide, bucket: number, held: number, settled: number): void {
  dropOld(slide, bucket);
  if (slide.at.at(-1) !== bucket) slide.at.push(bucket);
  adjustSlide(slide, bucket, held, settled);
}

/** Adds to (or takes from) a bucket that was booked before; one that has slid out no longer matters. */
export function adjustSlide(slide: Slide, bucket: number, held: number, settled: number): void {
  const index = slide.at.lastIndexOf(bucket);
  if (index < 0) return;
  slide.held[index] = (slide.held[index] ?? 0) + held;
  slide.settled[index] = (slide.settled[index] ?? 0) + settled;
  slide.sum.held += held;
  slide.sum.settled += settled;
}

/** What the window holds when `bucket` is the current one. Changes nothing. */
export function useOfSlide(slide: Slide, bucket: number): Use {
  let { held, settled } = slide.sum;
  for (let i = 0; i < slide.at.length && (slide.at[i] ?? 0) < bucket - subBuckets; i++) {
    held -= slide.held[i] ?? 0;
    settled -= slide.settled[i] ?? 0;
  }
  return { held, settled };
}

/**
 * The last bucket that has to slide out before `amount` has come free; the newest with anything in it when all of them
 * do not suffice. `null`: empty.
 */
export function bucketThatFrees(slide: Slide, bucket: number, amount: number): number | null {
  let freed = 0;
  let last: number | null = null;
  for (let i = 0; i < slide.at.length && freed < amount; i++) {
    const at = slide.at[i] ?? 0;
    const count = (slide.held[i] ?? 0) + (slide.settled[i] ?? 0);
    if (at < bucket - subBuckets || count === 0) continue;
    freed += count;
    last = at;
  }
  return last;
}

/** The UTC day of a time, counted from 1970-01-01. */
export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}

/**
 * The UTC month of a time, counted from January of year 0. Integers only, so that Lua can do the same (civil_from_days,
 * Hinnant 2013).
 */
export function monthOf(ms: number): number {
  const days = dayOf(ms) + 719_468;
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
  return (dayOf(ms) + 1) * dayMs;
}

/** When the next UTC month begins. */
export function nextMonthMs(ms: number): number {
  const marchMonth = monthOf(ms) + 1 - 2;
  const year = Math.floor(marchMonth / 12);
  const daysBefore = Math.floor((153 * (marchMonth - year * 12) + 2) / 5);
  const days =
    year * 365 + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400) + daysBefore - 719_468;
  return days * dayMs;
}

function dropOld(slide: Slide, bucket: number): void {
  let gone = 0;
  while (gone < slide.at.length && (slide.at[gone] ?? 0) < bucket - subBuckets) {
    slide.sum.held -= slide.held[gone] ?? 0;
    slide.sum.settled -= slide.settled[gone] ?? 0;
    gone++;
  }
  if (gone === 0) return;
  slide.at.splice(0, gone);
  slide.held.splice(0, gone);
  slide.settled.splice(0, gone);
}
