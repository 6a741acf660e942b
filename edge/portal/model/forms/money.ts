/** What somebody wrote as an amount, in millionths of the currency. */
export function readMicros(text: string): number {
  return Math.round(Number(text) * 1_000_000);
}

/** Millionths as a form has them: in units. */
export function writeMicros(micros: number): string {
  return String(micros / 1_000_000);
}

/** What an amount looks like that somebody may write. */
export const amountPattern = String.raw`\d+(\.\d{1,6})?`;
