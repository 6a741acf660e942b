import { z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { listStart, pageFields, pageRowsDefault, type Cursor } from "../http/fields.ts";

const idCharsMax = 100;
const listMax = 100;

/** The query fields of every list in OpenAI's way. Newest rows come first. */
export const afterFields = {
  limit: pageFields.limit,
  after: z
    .string()
    .min(1)
    .max(idCharsMax)
    .optional()
    .openapi({ description: "The id of the last object that was had: `last_id` of the page before." }),
};

/** What a list's query says. */
export interface AfterQuery {
  limit?: number | undefined;
  after?: string | undefined;
}

/** The rows of a page, and whether more follow. */
export interface ReadPage<Row> {
  rows: Row[];
  hasMore: boolean;
}

/**
 * Reads a page that begins behind the object with the id `after`: `find` has to find it among the org's own, whatever
 * has become of it.
 */
export async function readPage<Row>(
  { limit = pageRowsDefault, after }: AfterQuery,
  find: (id: string) => Promise<{ created_at_ms: number } | null>,
  select: (page: { cursor: Cursor; limit: number }) => Promise<Row[]>,
): Promise<ReadPage<Row>> {
  const last = after === undefined ? null : await find(after);
  if (after !== undefined && !last) throw refuseAfter();
  const cursor = last && after !== undefined ? { ms: last.created_at_ms, id: after } : listStart;
  const rows = await select({ cursor, limit: limit + 1 });
  return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
}

/** The refusal of an `after` that the org has no object for. */
export function refuseAfter(): Refusal {
  return new Refusal("invalid_value", { param: "after", message: "after: There is no such object." });
}

/** The schema of a list in OpenAI's form. */
export function describeList<Schema extends z.ZodType>(schema: Schema, name: string) {
  const data = z.array(schema);
  const id = z.string().nullable();
  return z
    .strictObject({ object: z.literal("list"), data, first_id: id, last_id: id, has_more: z.boolean() })
    .openapi(name);
}

/** A list in OpenAI's form. */
export function showList<Item extends { id: string }>(data: Item[], hasMore: boolean) {
  const first_id = data[0]?.id ?? null;
  return { object: "list" as const, data, first_id, last_id: data.at(-1)?.id ?? null, has_more: hasMore };
}

/** The schema of a list in OpenAI's newer form, which names what comes `next`. */
export function describeNextList<Schema extends z.ZodType>(schema: Schema, name: string) {
  const data = z.array(schema);
  return z
    .strictObject({ object: z.literal("list"), data, has_more: z.boolean(), next: z.string().nullable() })
    .openapi(name);
}

/** All there is, as a list in that form. */
export function showWhole<Item>(data: Item[]) {
  return { object: "list" as const, data, has_more: false, next: null };
}

/** The same list under `name[]`, as OpenAI's SDKs write it, and under `name`; one value, or several. */
export function listField<Name extends string, Item extends z.ZodType<unknown, string>>(name: Name, item: Item) {
  const many = z
    .union([item.transform((one) => [one]), z.array(item).min(1).max(listMax)])
    .optional()
    .openapi({ type: "array", items: { type: "string" } });
  return { [name]: many, [`${name}[]`]: many };
}

/** The items that a query names under `name` or `name[]`; undefined for none. */
export function readList(query: Record<string, unknown>, name: string): string[] | undefined {
  const all = [query[name], query[`${name}[]`]].filter((given) => given !== undefined);
  return all.length === 0 ? undefined : z.array(z.array(z.string())).parse(all).flat();
}
