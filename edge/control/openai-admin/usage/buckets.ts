import { z } from "@hono/zod-openapi";
import { Refusal } from "../../../errors.ts";
import { toSeconds } from "../fields.ts";

const hourMs = 3_600_000;

/** How wide buckets can be, and how many come at a time. Roll-ups are by the hour, so there are none of a minute. */
export const bucketWidths = {
  "1h": { by: "hour", ms: hourMs, usual: 24, max: 168 },
  "1d": { by: "day", ms: 24 * hourMs, usual: 7, max: 31 },
} as const;
/** The width of a bucket, in OpenAI's words. */
export type BucketWidth = keyof typeof bucketWidths;

/** A moment in a query: Unix seconds. */
export const QuerySeconds = z
  .string()
  .regex(/^\d{1,11}$/, "Give Unix seconds.")
  .transform(Number)
  .openapi({ type: "integer", minimum: 0, maximum: 99_999_999_999 });

const form = /^page_(\d{1,11})$/;

/** The query fields of everything that comes in buckets. */
export const bucketFields = {
  start_time: QuerySeconds,
  end_time: QuerySeconds.optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, "Give a whole number.")
    .transform(Number)
    .optional()
    .openapi({ type: "integer", minimum: 1, description: "How many buckets." }),
  page: z
    .string()
    .regex(form, "Give `next_page` of the page before.")
    .optional()
    .openapi({ type: "string", pattern: form.source, description: "`next_page` of the page before." }),
};

/** What such a query says. */
export interface BucketQuery {
  start_time: number;
  end_time?: number | undefined;
  limit?: number | undefined;
  page?: string | undefined;
}

/** The buckets of a page: where each begins, in Unix ms, and the page behind it. */
export interface BucketPage {
  starts: number[];
  fromMs: number;
  toMs: number;
  nextPage: string | null;
}

/**
 * The buckets that a query means: whole UTC hours or days, so the first may begin before `start_time`, and the last end
 * after `end_time`, or after now where none is given.
 */
export function readBuckets(
  query: BucketQuery,
  { ms, usual, max }: { ms: number; usual: number; max: number },
  nowMs: number,
): BucketPage {
  const { start_time, end_time, page, limit = usual } = query;
  if (limit < 1 || limit > max) throw refuse("limit", `Must be from 1 to ${max}.`);
  const firstMs = Math.floor((start_time * 1_000) / ms) * ms;
  const endMs = Math.ceil(((end_time ?? toSeconds(nowMs) + 1) * 1_000) / ms) * ms;
  if (end_time !== undefined && end_time <= start_time) throw refuse("end_time", "Must be after `start_time`.");
  const fromMs = page === undefined ? firstMs : Number(form.exec(page)?.[1]) * 1_000;
  if (page !== undefined && (fromMs % ms !== 0 || fromMs < firstMs || fromMs >= endMs))
    throw refuse("page", "Is no page of this query.");
  const count = Math.min(limit, Math.max(0, (endMs - fromMs) / ms));
  const toMs = fromMs + count * ms;
  const starts = Array.from({ length: count }, (_, at) => fromMs + at * ms);
  return { starts, fromMs, toMs, nextPage: toMs < endMs ? `page_${toSeconds(toMs)}` : null };
}

function refuse(param: string, why: string): Refusal {
  return new Refusal("invalid_value", { param, message: `${param}: ${why}` });
}

/** The schema of a page of buckets. */
export function describeBuckets<Schema extends z.ZodType>(result: Schema, name: string) {
  const bucket = z
    .strictObject({
      object: z.literal("bucket"),
      start_time: z.int(),
      end_time: z.int(),
      results: z.array(result),
    })
    .openapi(`${name}Bucket`);
  return z
    .strictObject({
      object: z.literal("page"),
      data: z.array(bucket),
      has_more: z.boolean(),
      next_page: z.string().nullable(),
    })
    .openapi(`${name}Page`);
}

/** A page of buckets in OpenAI's form; one in which nothing was used has no results. */
export function showBuckets<Row extends { atMs: number | null }, Result>(
  { starts, nextPage }: BucketPage,
  ms: number,
  rows: readonly Row[],
  show: (row: Row) => Result,
) {
  const byStart = Map.groupBy(rows, ({ atMs }) => atMs);
  const data = starts.map((start) => ({
    object: "bucket" as const,
    start_time: toSeconds(start),
    end_time: toSeconds(start + ms),
    results: (byStart.get(start) ?? []).map(show),
  }));
  return { object: "page" as const, data, has_more: nextPage !== null, next_page: nextPage };
}
