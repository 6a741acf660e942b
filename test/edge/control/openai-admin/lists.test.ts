import { z } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import { listStart } from "#edge/control/http/fields.ts";
import {
  describeList,
  describeNextList,
  listField,
  readList,
  readPage,
  refuseAfter,
  showList,
  showWhole,
} from "#edge/control/openai-admin/lists.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const rows = [5, 4, 3, 2, 1].map((ms) => ({ id: `x${ms}`, created_at_ms: ms }));
const find = async (id: string) => rows.find((row) => row.id === id) ?? null;
const select = async ({ cursor, limit }: { cursor: { ms: number }; limit: number }) =>
  rows.filter((row) => row.created_at_ms < cursor.ms).slice(0, limit);

test("pages follow each other by the last id, to the end", async () => {
  const seen: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await readPage({ limit: 2, after }, find, select);
    const shown = showList(page.rows, page.hasMore);
    seen.push(...shown.data.map(({ id }) => id));
    expect([shown.first_id, shown.last_id]).toEqual([shown.data[0]?.id, shown.data.at(-1)?.id]);
    if (!shown.has_more) break;
    after = shown.last_id ?? undefined;
  }
  expect(seen).toEqual(rows.map(({ id }) => id));
});

test("a page without `after` begins at the newest, and an `after` that is nobody's is refused", async () => {
  const asked: unknown[] = [];
  await readPage({}, find, async (page) => (asked.push(page), []));
  expect(asked).toEqual([{ cursor: listStart, limit: 101 }]);
  const { details } = await expectRefusal(() => readPage({ after: "y" }, find, select), "invalid_value");
  expect(details).toEqual(refuseAfter().details);
});

test("an empty list has no ends", () => {
  expect(showList([], false)).toEqual({ object: "list", data: [], first_id: null, last_id: null, has_more: false });
  expect(showWhole(["x"])).toEqual({ object: "list", data: ["x"], has_more: false, next: null });
  expect(describeList(z.strictObject({ id: z.string() }), "L").parse(showList([{ id: "x" }], true))).toBeTruthy();
  expect(describeNextList(z.string(), "N").parse(showWhole(["x"]))).toBeTruthy();
});

test("a list in a query is named with brackets or without, once or often", () => {
  const Query = z.strictObject(listField("ids", z.string().min(1)));
  const read = (query: object) => readList(Query.parse(query), "ids");
  expect(read({})).toBeUndefined();
  expect(read({ ids: "a" })).toEqual(["a"]);
  expect(read({ "ids[]": ["a", "b"] })).toEqual(["a", "b"]);
  expect(read({ ids: "a", "ids[]": "b" })).toEqual(["a", "b"]);
  for (const bad of [{ ids: "" }, { ids: ["a", ""] }, { ids: Array.from({ length: 101 }, () => "a") }])
    expect(Query.safeParse(bad).success).toBe(false);
});
