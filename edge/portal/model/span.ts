const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** Spans of time that pages offer, by the name that stands in the address. */
export const spans = ["24h", "7d", "30d", "90d"] as const;

/** The name of a span. */
export type SpanName = (typeof spans)[number];

const lengths: Record<SpanName, { ms: number; by: "hour" | "day" }> = {
  "24h": { ms: dayMs, by: "hour" },
  "7d": { ms: 7 * dayMs, by: "day" },
  "30d": { ms: 30 * dayMs, by: "day" },
  "90d": { ms: 90 * dayMs, by: "day" },
};

/** Reads the name of a span from an address; 7 days unless it is one. */
export function readSpan(text: unknown): SpanName {
  return spans.find((name) => name === text) ?? "7d";
}

/** Where a span that ends now begins, on a whole hour or UTC day, and every step of it. */
export function layOut(name: SpanName, nowMs: number): { from: string; by: "hour" | "day"; steps: number[] } {
  const { ms, by } = lengths[name];
  const stepMs = by === "hour" ? hourMs : dayMs;
  const lastMs = Math.floor(nowMs / stepMs) * stepMs;
  const steps = Array.from({ length: ms / stepMs }, (_, at) => lastMs - (ms / stepMs - 1 - at) * stepMs);
  return { from: new Date(steps[0] ?? lastMs).toISOString(), by, steps };
}
