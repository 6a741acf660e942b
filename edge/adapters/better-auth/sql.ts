import { toSnakeCase } from "../../agreements/names.ts";

/** A condition as better-auth states it, with every member given. */
export interface Condition {
  field: string;
  value: unknown;
  operator?: string | undefined;
  connector?: "AND" | "OR" | undefined;
}

/** A piece of SQL and what is bound to it. */
export interface SqlPiece {
  sql: string;
  values: (string | number | null)[];
}

const comparisons: Readonly<Record<string, string>> = { eq: "=", ne: "<>", lt: "<", lte: "<=", gt: ">", gte: ">=" };

/** The column of a field: `createdAt`, a moment, is `created_at_ms`. */
export function nameColumn(field: string, isMoment: boolean): string {
  const column = toSnakeCase(field.replace(/ID$/, "Id"));
  if (!/^[a-z_]{1,40}$/.test(column)) throw new RangeError("a field that no column has");
  return isMoment ? `${column}_ms` : column;
}

/** A value as D1 keeps it: moments in Unix ms, booleans as 0 and 1. Throws on what no column could hold. */
export function toColumnValue(value: unknown): string | number | null {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.getTime();
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string" || typeof value === "number") return value;
  throw new RangeError("a value that no column holds");
}

/**
 * `WHERE …` of conditions: all that are joined by AND, and one of those that are joined by OR. Throws on an operator
 * that this does not know, rather than to match more than was meant.
 */
export function writeWhere(conditions: readonly Condition[], column: (field: string) => string): SqlPiece {
  const all = conditions
    .filter(({ connector = "AND" }) => connector === "AND")
    .map((one) => writeCondition(one, column));
  const some = conditions.filter(({ connector }) => connector === "OR").map((one) => writeCondition(one, column));
  const parts = [
    ...all.map(({ sql }) => sql),
    ...(some.length > 0 ? [`(${some.map(({ sql }) => sql).join(" OR ")})`] : []),
  ];
  return {
    sql: parts.length === 0 ? "" : ` WHERE ${parts.join(" AND ")}`,
    values: [...all, ...some].flatMap(({ values }) => values),
  };
}

function writeCondition({ field, value, operator = "eq" }: Condition, column: (field: string) => string): SqlPiece {
  const name = column(field);
  if (operator === "in" || operator === "not_in") return writeMembership(name, value, operator === "in");
  const comparison = comparisons[operator];
  if (comparison === undefined) throw new RangeError("an operator that this adapter does not know");
  if (value !== null && value !== undefined) return { sql: `${name} ${comparison} ?`, values: [toColumnValue(value)] };
  if (operator === "eq") return { sql: `${name} IS NULL`, values: [] };
  if (operator === "ne") return { sql: `${name} IS NOT NULL`, values: [] };
  throw new RangeError("nothing is more or less than null");
}

function writeMembership(name: string, value: unknown, isIn: boolean): SqlPiece {
  if (!Array.isArray(value)) throw new RangeError("a list was meant");
  if (value.length === 0) return { sql: isIn ? "0" : "1", values: [] };
  const marks = value.map(() => "?").join(", ");
  return { sql: `${name} ${isIn ? "IN" : "NOT IN"} (${marks})`, values: value.map(toColumnValue) };
}
