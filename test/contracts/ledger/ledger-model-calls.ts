import type { HoldRequest } from "#edge/ledger/port.ts";
import type { KeyId, ProjectId } from "#edge/agreements/tokens/ids.ts";
import type { WindowName } from "#edge/agreements/records/windows.ts";

/** One call that the model admitted, and how it ended. */
export interface Call {
  request: HoldRequest;
  completionTokens: number;
  atMs: number;
  expiresAtMs: number;
  isKeyBooked: boolean;
  /** The first key of its key's chain, as it was at admission. */
  owner: KeyId;
  /** The project of its key, as it was at admission. */
  project: ProjectId | undefined;
  checkpoint: Counts | null;
  end: "settled" | "released" | "expired" | null;
  charged: Counts;
  late: Counts | null;
}

/** Tokens of a prompt and of its completion. */
export interface Counts {
  prompt: number;
  completion: number;
}

/** What a window holds for calls that run, and what it has settled. */
export interface Use {
  held: number;
  settled: number;
}

/** What these calls hold and have settled of a window, at a time. */
export function countUse(calls: Call[], window: WindowName, atMs: number): Use {
  const slides = (widthMs: number) =>
    calls.filter((call) => Math.floor(call.atMs / widthMs) >= Math.floor(atMs / widthMs) - 60);
  const calendar = (letters: number) => calls.filter((call) => utc(call.atMs, letters) === utc(atMs, letters));
  const total = (counted: Call[], part: (call: Call) => Use) =>
    counted.map(part).reduce((one, other) => ({ held: one.held + other.held, settled: one.settled + other.settled }), {
      held: 0,
      settled: 0,
    });
  switch (window) {
    case "requestsPerMinute":
      return { held: 0, settled: slides(1_000).length };
    case "requestsPerHour":
      return { held: 0, settled: slides(60_000).length };
    case "concurrency":
      return { held: calls.filter(({ end }) => end === null).length, settled: 0 };
    case "tokensPerMinute":
      return total(slides(1_000), countTokens);
    case "requestsPerDay":
      return total(calendar(10), ({ end }) => ({
        held: end === null ? 1 : 0,
        settled: end === null || end === "released" ? 0 : 1,
      }));
    case "tokensPerDay":
      return total(calendar(10), countTokens);
    case "tokensPerMonth":
      return total(calendar(7), countTokens);
    case "costMicrosPerMonth":
      return total(calendar(7), (call) =>
        call.end === null
          ? {
              held: computeCost(call.request, {
                prompt: call.request.promptTokens,
                completion: call.request.choices * call.completionTokens,
              }),
              settled: 0,
            }
          : { held: 0, settled: computeCost(call.request, sum(call.charged, call.late)) },
      );
  }
}

/** The tokens that a call holds, and those it was charged. */
export function countTokens(call: Call): Use {
  if (call.end === null)
    return { held: call.request.promptTokens + call.request.choices * call.completionTokens, settled: 0 };
  const { prompt, completion } = sum(call.charged, call.late);
  return { held: 0, settled: prompt + completion };
}

/** Two counts as one. */
export function sum(one: Counts, other: Counts | null): Counts {
  return { prompt: one.prompt + (other?.prompt ?? 0), completion: one.completion + (other?.completion ?? 0) };
}

/** What so many tokens cost, rounded up to a whole micro-unit. */
export function computeCost({ price }: HoldRequest, { prompt, completion }: Counts): number {
  return Number(
    (BigInt(price.promptMicrosPerMTok) * BigInt(prompt) +
      BigInt(price.completionMicrosPerMTok) * BigInt(completion) +
      999_999n) /
      1_000_000n,
  );
}

function utc(ms: number, letters: number): string {
  return new Date(ms).toISOString().slice(0, letters);
}
