import { measureSpread, type Spread } from "./stats.ts";

/** A bound that a row must keep, as the issue states it; `none` for a row that stands beside another to compare. */
export interface Goal {
  bound: "at most" | "at least" | "exactly" | "none";
  value: number;
  /** `×` for ratios to the baseline of the same round. */
  unit: string;
}

/** One line of the table. `figures` are the absolute values behind it, for the JSON file and the note. */
export interface BenchRow {
  name: string;
  goal: Goal;
  measured: Spread;
  reached: "yes" | "no" | "not counted" | "–";
  note: string;
  figures: Record<string, number>;
}

/** What stands beside a row's values. `whyNot` says why it does not count, if it does not. */
export interface RowRemarks {
  note: string;
  figures?: Record<string, number>;
  explainUncounted?: string | null;
}

/** A row from what the rounds gave. */
export function makeRow(
  name: string,
  goal: Goal,
  values: number[],
  { note, figures = {}, explainUncounted: whyNot = null }: RowRemarks,
): BenchRow {
  const measured = measureSpread(values);
  const reached =
    goal.bound === "none"
      ? "–"
      : whyNot !== null || values.length === 0
        ? "not counted"
        : isReached(goal, measured.median)
          ? "yes"
          : "no";
  return { name, goal, measured, reached, note: whyNot === null ? note : `${whyNot}; ${note}`, figures };
}

/** Why rounds do not count; null when they do. */
export function explainUncounted(rounds: { isNoisy: boolean }, isSmoke: boolean): string | null {
  if (isSmoke) return "smoke: windows too short";
  return rounds.isNoisy ? "every round was noisy" : null;
}

function isReached({ bound, value }: Goal, measured: number): boolean {
  if (bound === "none") return true;
  if (bound === "at most") return measured <= value;
  return bound === "at least" ? measured >= value : measured === value;
}

/** The table, as plain text that lines up. */
export function drawTable(rows: BenchRow[]): string {
  const head = ["row", "goal", "median", "min – max", "reached", "how"];
  const sign = { "at most": "≤", "at least": "≥", exactly: "=" };
  const bound = ({ bound, value, unit }: Goal) =>
    bound === "none" ? "–" : `${sign[bound]} ${formatNumber(value)} ${unit}`;
  const cells = rows.map(({ name, goal, measured, reached, note }) => [
    name,
    bound(goal),
    `${formatNumber(measured.median)} ${goal.unit}`,
    `${formatNumber(measured.min)} – ${formatNumber(measured.max)}`,
    reached,
    note,
  ]);
  const widths = head.map((title, column) =>
    Math.max(...[head, ...cells].map((line) => (line[column] ?? title).length)),
  );
  const draw = (line: string[]) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [draw(head), widths.map((width) => "-".repeat(width)).join("  "), ...cells.map(draw)].join("\n");
}

/** Three significant figures, with thousands separated. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
