import { clean, read, writeFields, writeTable, type Column } from "./table.ts";

/** What an answer shows: rows or one object, and the notes below. */
export interface View {
  columns: readonly Column[];
  rows: unknown[];
  /** One object: one field per line. */
  isOne?: boolean;
  /** Shown instead of a table without rows. */
  none?: string;
  /** Paragraphs below; with --csv they go to standard error. */
  notes?: string[];
  /** Columns of the CSV whose values the text shows in another way. */
  csvOnly?: readonly Column[];
  /** The currency of money columns. */
  currency?: string;
}

/** A view as people read it. */
export function writeText({ columns, rows, isOne, none = "There is nothing.", notes = [], currency }: View): string {
  const headed = columns.map(([head, path, kind]): Column => {
    return [kind === "money" && currency ? `${head} ${clean(currency)}` : head, path, kind];
  });
  const body = isOne ? writeFields(headed, rows[0]) : writeTable(headed, rows, none);
  return [body, ...notes].join("\n\n");
}

/** A view as CSV (RFC 4180): headings are the API's names, values the API's own; money has its currency beside it. */
export function writeCsv({ columns, rows, csvOnly = [], currency }: View): string {
  const all = [...columns, ...csvOnly];
  const hasMoney = currency !== undefined && columns.some(([, , kind]) => kind === "money");
  const heads = [...all.map(([, path]) => path), ...(hasMoney ? ["currency"] : [])];
  const lines = rows.map((row) => [...all.map(([, path]) => read(row, path)), ...(hasMoney ? [currency] : [])]);
  return [heads, ...lines].map((line) => line.map(writeCell).join(",")).join("\r\n");
}

/** People choose names freely: one that a spreadsheet would run as a formula is marked as text. */
function writeCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = Array.isArray(value) ? value.map(clean).join(" ") : clean(value);
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
