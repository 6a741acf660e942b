/**
 * A column: its head, the path of its value in a row (`limits.WINDOW`), and its kind when it is not
 * plain: micro-units of money, or a share of one.
 */
export type Column = readonly [head: string, path: string, kind?: "money" | "share" | undefined];

/**
 * Rows as text, one per line below a line of headings; numbers are right-aligned. Returns `none` when there are no
 * rows.
 */
export function writeTable(columns: readonly Column[], rows: unknown[], none: string): string {
  if (rows.length === 0) return none;
  const values = rows.map((row) => columns.map(([, path]) => read(row, path)));
  const cells = [
    columns.map(([head]) => head),
    ...values.map((line) => line.map((value, at) => show(value, columns[at]))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => width(line[at] ?? ""))));
  const isNumber = columns.map((_, at) => values.every((line) => typeof line[at] === "number" || line[at] === null));
  const write = (line: string[]) =>
    line
      .map((cell, at) => pad(cell, widths[at] ?? 0, isNumber[at] ?? false))
      .join("  ")
      .trimEnd();
  return cells.map(write).join("\n");
}

/** One object as text, one field per line. */
export function writeFields(fields: readonly Column[], object: unknown): string {
  const widest = Math.max(...fields.map(([head]) => head.length));
  return fields.map((field) => `${field[0].padEnd(widest)}  ${show(read(object, field[1]), field)}`).join("\n");
}

/** Micro-units of money as a decimal number, exact: 1234567 is 1.234567, 5000000 is 5.00. */
export function writeMoney(micros: number): string {
  const [whole, part = ""] = [Math.trunc(micros / 1_000_000), String(Math.abs(micros) % 1_000_000).padStart(6, "0")];
  return `${micros < 0 && whole === 0 ? "-" : ""}${whole}.${part.replace(/0{1,4}$/, "")}`;
}

/** A value as people read it: a moment to the second (`Z` says UTC), an object as its fields, money exactly. */
export function show(value: unknown, column?: Column): string {
  if (typeof value === "number" && column?.[2] === "money") return writeMoney(value);
  if (typeof value === "number" && column?.[2] === "share") return `${Math.round(value * 100)} %`;
  if (typeof value === "string") return clean(value.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{3}Z$/, "$1Z"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return clean(value);
  return clean(Object.entries(value).map(([name, each]) => `${name}=${each === null ? "none" : show(each)}`));
}

/** The list under `name` of an answer; empty if there is none. */
export function readList(answer: unknown, name: string): unknown[] {
  const list = read(answer, name);
  return Array.isArray(list) ? list : [];
}

/** The value at a path of nested objects. */
export function read(value: unknown, path: string): unknown {
  let found = value;
  for (const step of path.split("."))
    found = typeof found === "object" && found !== null ? Reflect.get(found, step) : undefined;
  return found;
}

/** A value on one line of a terminal: nothing in it can move the cursor or reverse the text. */
export function clean(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (Array.isArray(value)) return value.map(clean).join(",");
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

const width = (text: string): number => Array.from(text).length;

function pad(text: string, to: number, isRight: boolean): string {
  const space = " ".repeat(Math.max(0, to - width(text)));
  return isRight ? space + text : text + space;
}
