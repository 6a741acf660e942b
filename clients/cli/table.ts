/** A column: its head, and the path of its value in a row (`limits.requestsPerMinute`). */
export type Column = readonly [head: string, path: string];

/** Rows as text, one a line below a line of heads; numbers stand right. Says `none` when there are no rows. */
export function writeTable(columns: readonly Column[], rows: unknown[], none: string): string {
  if (rows.length === 0) return none;
  const values = rows.map((row) => columns.map(([, path]) => read(row, path)));
  const cells = [columns.map(([head]) => head), ...values.map((line) => line.map(clean))];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => width(line[at] ?? ""))));
  const isNumber = columns.map((_, at) => values.every((line) => typeof line[at] === "number" || line[at] === null));
  const write = (line: string[]) =>
    line
      .map((cell, at) => pad(cell, widths[at] ?? 0, isNumber[at] ?? false))
      .join("  ")
      .trimEnd();
  return cells.map(write).join("\n");
}

/** One object as text: a line a field. */
export function writeFields(fields: readonly Column[], object: unknown): string {
  const widest = Math.max(...fields.map(([head]) => head.length));
  return fields.map(([head, path]) => `${head.padEnd(widest)}  ${clean(read(object, path))}`).join("\n");
}

/** The list under `name` of an answer; empty if there is none. */
export function listOf(answer: unknown, name: string): unknown[] {
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

/** A value on one line of a terminal: nothing in it can move the cursor or turn the text round. */
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
