import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { computeCostMicros, findByName, type ModelRecord } from "#edge/agreements/records/model.ts";
import { windowOf, type Org, type UsageRowView, type World } from "#test/support/stack/world.ts";

/** Tokens of one call. */
export interface Tokens {
  promptTokens: number;
  completionTokens: number;
}

/** The lines of an org's bill, and their sum. */
export interface Bill extends Tokens {
  lines: UsageRowView[];
}

/** Sums tokens up. */
export function sumTokens(parts: readonly Tokens[]): Tokens {
  return {
    promptTokens: parts.reduce((sum, part) => sum + part.promptTokens, 0),
    completionTokens: parts.reduce((sum, part) => sum + part.completionTokens, 0),
  };
}

const settledMsMax = 30_000;

/** Waits until nothing of an org is held and its whole bill is there; asks seldom, since many wait at once. */
export async function readBill(world: World, org: Org): Promise<Bill> {
  for (let waitMs = 100, waitedMs = 0; waitedMs < settledMsMax; waitedMs += waitMs, waitMs = 400) {
    const { openHolds, outboxRows } = await world.ledger(org.id);
    if (openHolds.length === 0 && outboxRows === 0) {
      const lines = await world.usage(org.id);
      return { lines, ...sumTokens(lines) };
    }
    await sleep(waitMs);
  }
  throw new Error(`not settled after ${settledMsMax} ms`);
}

/**
 * The ledger's counters say what the lines of the bill say, in every window; no token, slot or money is held any more;
 * and each line costs what its tokens cost by its model's record.
 */
export async function checkBooks(world: World, org: Org, { lines }: Bill, models: readonly ModelRecord[]) {
  const state = await world.ledger(org.id);
  expect(state.openHolds).toEqual([]);
  const { promptTokens, completionTokens } = sumTokens(lines);
  for (const window of ["tokensPerMinute", "tokensPerDay", "tokensPerMonth"])
    expect(windowOf(state, window)).toMatchObject({ held: 0, settled: promptTokens + completionTokens });
  expect(windowOf(state, "concurrency")).toMatchObject({ held: 0, settled: 0 });
  const cost = lines.reduce((sum, { costMicros }) => sum + costMicros, 0);
  expect(windowOf(state, "costMicrosPerMonth")).toMatchObject({ held: 0, settled: cost });
  for (const calls of Map.groupBy(lines, ({ hold }) => hold).values())
    expect(sumCost(calls)).toBe(priceOf(calls, models));
}

const sumCost = (lines: readonly UsageRowView[]) => lines.reduce((sum, { costMicros }) => sum + costMicros, 0);

/** The lines of one call: what expiry charged, and perhaps what came after it. Together they cost what one would. */
function priceOf(lines: readonly UsageRowView[], models: readonly ModelRecord[]): number {
  const [first] = lines;
  const model = findByName(models, first?.model ?? "");
  if (!model) throw new Error(`no record of ${first?.model}`);
  const { promptTokens, completionTokens } = sumTokens(lines);
  const price = first?.["tier"] === "complex" ? model.prices.complex : model.prices.shared;
  return computeCostMicros(price, promptTokens, completionTokens);
}
