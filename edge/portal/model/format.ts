const locale = "en";

/** Formatters cost more to make than to use, so each is made once, when it is first needed. */
function keep<Formatter>(make: () => Formatter): () => Formatter {
  let made: Formatter | null = null;
  return () => (made ??= make());
}

const whole = keep(() => new Intl.NumberFormat(locale));
const compact = keep(() => new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }));
const share = keep(() => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }));
const relative = keep(() => new Intl.RelativeTimeFormat(locale, { numeric: "auto" }));
const exact = keep(() => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "long" }));
const dayOnly = keep(() => new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" }));
const plurals = keep(() => new Intl.PluralRules(locale));
const moneys = new Map<string, Intl.NumberFormat>();

/** A whole number with its thousands apart. */
export function formatCount(count: number): string {
  return whole().format(count);
}

/** A number for a chart or a card: three figures and a letter. */
export function formatCompact(count: number): string {
  return compact().format(count);
}

/** A share of one, as a percentage. */
export function formatShare(part: number): string {
  return share().format(part);
}

/** Millionths of a currency: two places, more where the sum is small, so that no call looks free that was not. */
export function formatMoney(micros: number, currency: string): string {
  const units = micros / 1_000_000;
  const maximumFractionDigits = micros !== 0 && Math.abs(units) < 1 ? 6 : 2;
  const name = `${currency} ${maximumFractionDigits}`;
  const known = moneys.get(name);
  if (known) return known.format(units);
  const style = { style: "currency", currency, minimumFractionDigits: 2, maximumFractionDigits } as const;
  const made = new Intl.NumberFormat(locale, style);
  moneys.set(name, made);
  return made.format(units);
}

/** How long something took: ms below a second, seconds below a minute, then minutes and seconds. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds / 60) % 60} min`;
}

const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000_000],
  ["month", 2_592_000_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

/** When something was or will be, as seen from now. */
export function formatRelative(atMs: number, nowMs: number): string {
  const distance = atMs - nowMs;
  const step = steps.find(([, ms]) => Math.abs(distance) >= ms);
  return step ? relative().format(Math.trunc(distance / step[1]), step[0]) : relative().format(0, "second");
}

/** The moment to the second, in the reader's zone. */
export function formatExact(atMs: number): string {
  return exact().format(atMs);
}

/** A UTC day, short. */
export function formatDay(atMs: number): string {
  return dayOnly().format(atMs);
}

/** Puts values where a text of texts/en.json has their names in braces. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The form of a text that a number takes, with the number in it. */
export function countWith(forms: { one: string; other: string }, count: number): string {
  const form = plurals().select(count) === "one" ? forms.one : forms.other;
  return fill(form, { n: formatCount(count) });
}
