import { median, quantile } from "#infra/checks/bench/stats.ts";
import type { NeighbourCall, NeighbourKind } from "./neighbours.ts";

/** A line of the attacker's bill beside what the engines made for it, in tokens. */
export interface BilledCall {
  hold: string;
  /** The attacker did not wait for the end of the answer. */
  isLeft: boolean;
  billed: { promptTokens: number; completionTokens: number };
  made: { promptTokens: number; completionTokens: number };
}

/** What others got in a turn without the attack, and in the one with it that came next. */
export interface AttackTurn {
  calm: readonly NeighbourCall[];
  attacked: readonly NeighbourCall[];
}

/** All that is known of one attack when it is over. */
export interface AttackEvidence {
  name: string;
  isRefused: boolean;
  turns: readonly AttackTurn[];
  statuses: readonly (number | null)[];
  bill: readonly BilledCall[];
}

/** The figures of one attack; times in ms. Each p95 and ratio is the middle one of all turns'. */
export interface AttackSummary {
  name: string;
  calls: number;
  refused: number;
  calmP95: number;
  attackedP95: number;
  ratio: number;
  /** The same for calls of the attack's own kind, on the nodes where it is. */
  heavyRatio: number;
  attackerCalls: number;
  attackerRefused: number;
  billed: number;
  made: number;
  /** What is wrong; none is fine. */
  faults: string[];
}

/** How much longer others may wait for their first token. */
export const ratioMax = 1.5;

/** Of an answer that was left the agent has read at least so much of what the engine had sent. */
const readShareMin = 0.9;

/** Sums an attack up, and tells what is wrong with what others got, and with the attacker's bill. */
export function summarize(evidence: AttackEvidence): AttackSummary {
  const { name, turns, statuses, bill } = evidence;
  const attacked = turns.flatMap((turn) => turn.attacked);
  const sum = (side: "billed" | "made") =>
    bill.reduce((all, call) => all + call[side].promptTokens + call[side].completionTokens, 0);
  const figures = {
    name,
    calls: attacked.length,
    refused: attacked.filter(({ status }) => status !== 200).length,
    calmP95: median(turns.map(({ calm }) => measureP95(calm, "plain"))),
    attackedP95: median(turns.map((turn) => measureP95(turn.attacked, "plain"))),
    ratio: measureRatio(turns, "plain"),
    heavyRatio: measureRatio(turns, "heavy"),
    attackerCalls: statuses.length,
    attackerRefused: statuses.filter((status) => status !== null && status !== 200).length,
    billed: sum("billed"),
    made: sum("made"),
  };
  return { ...figures, faults: findFaults(evidence, figures) };
}

function findFaults(evidence: AttackEvidence, figures: Omit<AttackSummary, "faults">): string[] {
  const { turns, statuses, bill, isRefused } = evidence;
  const faults: string[] = [];
  const bad = turns
    .flatMap(({ calm, attacked }) => [...calm, ...attacked])
    .filter(({ status, isWhole }) => status !== 200 || !isWhole);
  if (bad.length > 0) {
    const kinds = new Set(bad.map(({ status }) => (status === 200 ? "broken off" : String(status))));
    faults.push(`${bad.length} calls of others: ${Array.from(kinds).join(", ")}`);
  }
  // NaN, where nothing was measured, is no ratio that one could pass.
  if (!(figures.ratio <= ratioMax))
    faults.push(`others wait ${figures.ratio.toFixed(2)} × as long; ${ratioMax} × at most`);
  for (const call of bill)
    if (!isPaid(call)) faults.push(`${call.hold}: billed ${writeTokens(call.billed)}, made ${writeTokens(call.made)}`);
  const answered = statuses.filter((status) => status !== null);
  if (isRefused && !answered.includes(400)) faults.push("no call of the attack was refused with 400");
  if (isRefused && (bill.length > 0 || answered.includes(200))) faults.push("a call of the attack was served");
  if (!isRefused && figures.made === 0) faults.push("the attack made nothing");
  return faults;
}

/** To the token; of an answer that was left, what was still on its way from the engine is nobody's. */
export function isPaid({ isLeft, billed, made }: BilledCall): boolean {
  const share = billed.completionTokens / Math.max(1, made.completionTokens);
  const isRead = isLeft && share <= 1 && share >= readShareMin;
  return billed.promptTokens === made.promptTokens && (isRead || billed.completionTokens === made.completionTokens);
}

function writeTokens({ promptTokens, completionTokens }: BilledCall["made"]): string {
  return `${promptTokens} + ${completionTokens}`;
}

/** Of each turn by itself: what else the machine does comes and goes, and falls upon one turn or another. */
function measureRatio(turns: readonly AttackTurn[], kind: NeighbourKind): number {
  return median(turns.map(({ calm, attacked }) => measureP95(attacked, kind) / measureP95(calm, kind)));
}

function measureP95(calls: readonly NeighbourCall[], kind: NeighbourKind): number {
  const times = calls.flatMap((call) => (call.kind === kind && call.status === 200 ? (call.firstMs ?? []) : []));
  return quantile(times, 0.95);
}
