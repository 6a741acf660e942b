import { UsageError } from "./flags.ts";

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const dayMs = 86_400_000;

/** `90s`, `15m`, `24h` or `3d` in ms; `null` when it is none of these. A bare number has no unit, so it is none. */
export function readSpan(text: string): number | null {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  return match ? Number(match[1]) * (unitMs[match[2] ?? ""] ?? 0) : null;
}

/** A UTC date (its first moment), or a moment with its zone, in Unix ms; `null` when it is neither. */
export function readMoment(text: string): number | null {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text);
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  if (!isDate && !isMoment) return null;
  const ms = Date.parse(text);
  // JavaScript takes 31 February for 3 March.
  return Number.isNaN(ms) || !isDay(text.slice(0, 10)) ? null : ms;
}

function isDay(text: string): boolean {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** `--expires`: a span from now, a date, a moment, or `never` (`null`). */
export function readExpiry(text: string | undefined, nowMs: number): string | null | undefined {
  if (text === undefined) return undefined;
  if (text === "never") return null;
  const span = readSpan(text);
  const ms = span === null ? readMoment(text) : nowMs + span;
  if (ms !== null) return writeMoment(ms);
  throw new UsageError(`--expires takes never, a time from now (30d, 12h), ${forms}; not '${text}'.`);
}

/** `--from` and `--to`: a span back from now, a date or a moment. The date of a `--to` is included to its end. */
export function readBound(flag: "from" | "to", text: string | undefined, nowMs: number): string | undefined {
  if (text === undefined) return undefined;
  const span = readSpan(text);
  const ms = span === null ? readMoment(text) : nowMs - span;
  if (ms === null) throw new UsageError(`--${flag} takes ${forms}, or a time ago (7d, 12h); not '${text}'.`);
  return writeMoment(flag === "to" && text.length === 10 ? ms + dayMs : ms);
}

/** `--overlap` in whole seconds: from 0 to the 72 hours that the edge allows. */
export function readOverlap(text: string): number {
  const ms = text === "0" ? 0 : readSpan(text);
  if (ms !== null && ms <= 72 * 3_600_000) return ms / 1_000;
  throw new UsageError(
    `--overlap takes a time of at most 72h, such as 15m, 24h or 3d, or 0 for at once; not '${text}'.`,
  );
}

const forms = "a UTC date (2026-01-31) or a moment with its zone (2026-01-31T12:00:00Z)";

function writeMoment(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9_999)
    throw new UsageError("that moment is beyond the year 9999.");
  return date.toISOString();
}
