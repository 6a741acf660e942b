import { z } from "@hono/zod-openapi";

const nameCharsMax = 100;
const pageRowsMax = 1_000;
/** 9999-12-31T23:59:59.999Z: a later moment needs a sign in ISO 8601, and nobody means it. */
const instantMsMax = 253_402_300_799_999;

/** How many rows a list returns without `limit`. */
export const pageRowsDefault = 100;

/**
 * Characters that could move the cursor, change the text direction or break the line where a name is shown, and halves
 * of surrogate pairs. As ranges, which every reader of the document's patterns knows.
 */
const unshowable = String.raw`\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff`;
const hasUnshowable = new RegExp(`[${unshowable}]`, "u");

/** A name that people read: 1 to 100 characters (code points) in NFC, trimmed, without control or bidi characters. */
export const Name = z
  .string()
  .normalize()
  .trim()
  .min(1)
  .refine((name) => Array.from(name).length <= nameCharsMax, `must have at most ${nameCharsMax} characters`)
  .refine((name) => !hasUnshowable.test(name), "must not have control characters or text direction marks")
  .openapi({
    type: "string",
    minLength: 1,
    maxLength: nameCharsMax,
    pattern: String.raw`^[^${unshowable}]*[^\s${unshowable}][^${unshowable}]*$`,
  });

const dateTimeForm = z.regexes.datetime({ offset: true }).source;
const instantForm = "Give an ISO 8601 date-time with an offset, or Unix milliseconds.";

/** A moment in a body, or `null` for never: ISO 8601 with an offset, or Unix ms. Read as Unix ms. */
export const Expiry = z
  .union([z.int().min(0).max(instantMsMax), z.iso.datetime({ offset: true })], { error: instantForm })
  .transform((given) => (typeof given === "number" ? given : Date.parse(given)))
  .pipe(z.int().max(instantMsMax))
  .nullish()
  .openapi({
    type: ["string", "integer", "null"],
    pattern: dateTimeForm,
    minimum: 0,
    maximum: instantMsMax,
    description: instantForm,
  });

/** A moment in a query: as in a body, or a UTC date. */
export const QueryInstant = z
  .union([z.string().regex(/^\d{1,15}$/), z.iso.datetime({ offset: true }), z.iso.date()], {
    error: `${instantForm.slice(0, -1)}, or a date.`,
  })
  .transform((given) => (/^\d+$/.test(given) ? Number(given) : Date.parse(given)))
  .pipe(z.int().max(instantMsMax))
  .openapi({
    type: "string",
    pattern: String.raw`^\d{1,14}$|${dateTimeForm}|${z.regexes.date.source}`,
    description: "From an ISO 8601 date-time with an offset, a UTC date, or Unix milliseconds.",
  });

/** Where a page ends: the last row's time and id. Opaque to callers, and grants no access. */
export interface Cursor {
  ms: number;
  id: string;
}

/** Before the first row of any newest-first list. */
export const listStart: Cursor = { ms: Number.MAX_SAFE_INTEGER, id: "" };

/**
 * Where a page begins of what was before `toMs`: that moment, or the cursor, whichever is earlier. An index is searched
 * by one bound at an end; behind a second one rows would be walked.
 */
export function boundCursor(cursor: Cursor, toMs: number | undefined): Cursor {
  return toMs !== undefined && toMs <= cursor.ms ? { ms: toMs, id: "" } : cursor;
}

const cursorForm = /^\d{1,15}\.[a-z]{2,5}_[0-9A-Za-z]{1,22}(:late)?$/;

const Cursor = z
  .string()
  .regex(cursorForm, "Give `nextCursor` of the page before.")
  .transform((text): Cursor => ({
    ms: Number(text.slice(0, text.indexOf("."))),
    id: text.slice(text.indexOf(".") + 1),
  }))
  .openapi({ type: "string", pattern: cursorForm.source, description: "`nextCursor` of the page before." });

/** The query fields of every list. Newest rows come first. */
export const pageFields = {
  limit: z
    .string()
    .regex(/^\d{1,4}$/, `Give a whole number from 1 to ${pageRowsMax}.`)
    .transform(Number)
    .pipe(z.int().min(1).max(pageRowsMax))
    .optional()
    .openapi({ type: "integer", minimum: 1, maximum: pageRowsMax, default: pageRowsDefault }),
  cursor: Cursor.optional(),
};

/** Removes the one extra row that a list was read with, and returns the cursor of the next page. */
export function cutPage<Row>(
  rows: Row[],
  limit: number,
  readCursor: (row: Row) => Cursor,
): { rows: Row[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  if (rows.length <= limit || last === undefined) return { rows: page, nextCursor: null };
  const { ms, id } = readCursor(last);
  return { rows: page, nextCursor: `${ms}.${id}` };
}

/** A column that holds JSON, read as `schema`. */
export function createJsonColumn<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
}

/** Unix ms as answers write it. */
export const formatIso = (ms: number): string => new Date(ms).toISOString();

/** As `iso`, for moments that may not be set. */
export const formatIsoOrNull = (ms: number | null): string | null => (ms === null ? null : formatIso(ms));

/** A moment in an answer. */
export const Timestamp = z.iso.datetime();

/** A member of what is published: whether the data plane has it as it is shown. */
export const IsPublished = z.boolean().openapi({
  description:
    "Whether calls follow it as it stands here. If not, the ledger was out of reach: they will within a minute of " +
    "its return, or when the change is repeated.",
});
