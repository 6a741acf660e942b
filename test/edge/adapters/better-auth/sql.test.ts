import { expect, test } from "vitest";
import { nameColumn, toColumnValue, writeWhere } from "#edge/adapters/better-auth/sql.ts";

const column = (field: string) => nameColumn(field, field.endsWith("At"));

test("fields have the columns of the migration", () => {
  expect(nameColumn("emailVerified", false)).toBe("email_verified");
  expect(nameColumn("createdAt", true)).toBe("created_at_ms");
  expect(nameColumn("credentialID", false)).toBe("credential_id");
  for (const bad of ["id; --", 'x"', "", "a b", "1=1"]) expect(() => nameColumn(bad, false)).toThrow(RangeError);
});

test("values are what SQLite keeps, and nothing else is kept by mistake", () => {
  expect([new Date(5), true, false, null, undefined, "a", 1].map(toColumnValue)).toEqual([5, 1, 0, null, null, "a", 1]);
  for (const bad of [{}, [], Symbol("x"), 1n]) expect(() => toColumnValue(bad)).toThrow(RangeError);
});

test("conditions are joined as they are meant, and values are bound", () => {
  expect(writeWhere([], column)).toEqual({ sql: "", values: [] });
  expect(
    writeWhere(
      [
        { field: "userId", value: "u" },
        { field: "expiresAt", value: new Date(7), operator: "gt", connector: "AND" },
        { field: "email", value: "a", connector: "OR" },
        { field: "email", value: "b", operator: "ne", connector: "OR" },
      ],
      column,
    ),
  ).toEqual({
    sql: " WHERE user_id = ? AND expires_at_ms > ? AND (email = ? OR email <> ?)",
    values: ["u", 7, "a", "b"],
  });
});

test("null, lists and none at all", () => {
  const write = (value: unknown, operator: string) => writeWhere([{ field: "id", value, operator }], column);
  expect(write(null, "eq")).toEqual({ sql: " WHERE id IS NULL", values: [] });
  expect(write(null, "ne")).toEqual({ sql: " WHERE id IS NOT NULL", values: [] });
  expect(write(["a", "b"], "in")).toEqual({ sql: " WHERE id IN (?, ?)", values: ["a", "b"] });
  expect(write(["a"], "not_in")).toEqual({ sql: " WHERE id NOT IN (?)", values: ["a"] });
  expect(write([], "in")).toEqual({ sql: " WHERE 0", values: [] });
  expect(write([], "not_in")).toEqual({ sql: " WHERE 1", values: [] });
});

test("what is not known matches nothing rather than too much: it throws", () => {
  for (const [value, operator] of [
    ["a", "contains"],
    ["a", "starts_with"],
    [null, "gt"],
    ["a", "in"],
    ["a", ""],
  ] as const)
    expect(() => writeWhere([{ field: "id", value, operator }], column), operator).toThrow(RangeError);
});
