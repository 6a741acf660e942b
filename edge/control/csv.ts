/** A line break of RFC 4180. */
const lineEnd = "\r\n";

/**
 * Writes a line of comma-separated values (RFC 4180). A text that a spreadsheet would run as a formula is marked as
 * text by an apostrophe: callers and customers choose names freely.
 */
export function writeCsvLine(values: readonly (string | number | null)[]): string {
  return values.map(writeCell).join(",") + lineEnd;
}

function writeCell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = /^\s*[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
