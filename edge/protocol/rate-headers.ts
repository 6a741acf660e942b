/** One window as response headers report it: what remains, and in how many ms it is full again. */
export interface WindowReport {
  limit: number;
  remaining: number;
  resetMs: number;
}

/**
 * `x-ratelimit-{limit,remaining,reset}-requests` or `-tokens` as OpenAI writes them; a window without a limit (null)
 * has no headers.
 */
export function buildWindowHeaders(unit: "requests" | "tokens", report: WindowReport | null): Record<string, string> {
  if (!report) return {};
  return {
    [`x-ratelimit-limit-${unit}`]: String(report.limit),
    [`x-ratelimit-remaining-${unit}`]: String(report.remaining),
    [`x-ratelimit-reset-${unit}`]: formatDuration(report.resetMs),
  };
}

/** Formats a duration as Go does: `12ms`, `1.5s`, `6m0s`, `23h59m59s`. Fractions of a second only below a minute. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole < 1_000) return `${whole}ms`;
  if (whole < 60_000) return `${whole / 1_000}s`;
  const seconds = Math.ceil(whole / 1_000);
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${hours > 0 ? `${hours}h` : ""}${minutes}m${seconds % 60}s`;
}

/** Reads what `formatDuration` wrote, in ms; null for anything else. */
export function readDuration(text: string): number | null {
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  const ms = /^(\d+)ms$/.exec(text)?.[1];
  if (ms !== undefined) return Number(ms);
  if (!parts || text === "") return null;
  const [, hours = 0, minutes = 0, seconds = 0] = parts;
  return Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Math.round(Number(seconds) * 1_000);
}
