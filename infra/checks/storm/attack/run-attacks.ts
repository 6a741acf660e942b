import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeTable } from "#clients/cli/output/table.ts";
import { Health } from "#edge/routing/index.ts";
import { startStack, type Stack } from "#infra/local/stack.ts";
import type { OracleRecord, OracleReport } from "#infra/simulator/text/oracle.ts";
import { Control, type BilledHold, type StormOrg } from "../arena/control.ts";
import type { OrgPlan } from "../plan/plan.ts";
import { startAttack } from "./attacker.ts";
import { attacks, type Attack } from "./attacks.ts";
import { callAsNeighbours } from "./neighbours.ts";
import { isPaid, summarize, type AttackSummary, type AttackTurn, type BilledCall } from "./summary.ts";

/** How long each attack is measured, with and without, and what is printed. */
export interface AttackOptions {
  seconds: number;
  isJson: boolean;
  isVerbose: boolean;
}

/** Half the pace of an L4: two engines, two agents, an edge and all callers share this machine's cores. */
const engineArgs = ["--step-ms", "100"];
/** Calm and attack take turns, so that whatever else this machine does meets both. */
const rounds = 5;
const neighbours = 8;
/** From an attack's first call until it is felt, and from its end until it is over. */
const turnMs = 1_500;
const settleMsMax = 60_000;
/** A node that has much to do tells late what a call that was left had made. */
const lateMsMax = 15_000;

const columns = [
  ["attack", "name"],
  ["others", "calls"],
  ["refused", "refused"],
  ["p95 ms", "calmP95"],
  ["attacked", "attackedP95"],
  ["ratio", "ratio"],
  ["dedicated", "heavyRatio"],
  ["attacks", "attackerCalls"],
  ["refused", "attackerRefused"],
  ["billed", "billed"],
  ["made", "made"],
  ["wrong", "wrong"],
] as const;

/** An org as anyone gets it, and one without limits of its own. */
const standard: OrgPlan = { kind: "standard", plan: "standard", limits: {}, narrowKey: null };
const open: OrgPlan = { kind: "open", plan: "enterprise", limits: {}, narrowKey: null };

/** Runs every attack against a stack of its own, prints its figures, and returns how many went wrong. */
export async function runAttacks({ seconds, isJson, isVerbose }: AttackOptions): Promise<number> {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-attack-"));
  process.once("exit", () => rmSync(stateDir, { recursive: true, force: true }));
  const log = (source: string, line: string) =>
    isVerbose && void process.stderr.write(`${source.padEnd(14)} ${line}\n`);
  const stack = await startStack({ port: 0, stateDir, simulatorArgs: engineArgs, log });
  try {
    const adminKey = await new Control(stack.edge.url, stack.secrets.bootstrapToken).bootstrap();
    const control = new Control(stack.edge.url, adminKey);
    await waitUntilHealthy(stack.edge.url);
    const orgs: StormOrg[] = [];
    while (orgs.length < neighbours) orgs.push(await control.makeOrg(open));
    const keys = orgs.map(({ key }) => key);
    // The first calls of a stack pay for its start.
    await callAsNeighbours(stack.edge.url, keys, 2_000);
    const summaries: AttackSummary[] = [];
    for (const attack of attacks) {
      const summary = await runAttack({ stack, control, keys, ms: (seconds * 1_000) / rounds }, attack);
      summaries.push(summary);
      show(summary, isJson);
    }
    if (!isJson) process.stdout.write(`\n${writeSummaries(summaries)}\n`);
    return summaries.filter(({ faults }) => faults.length > 0).length;
  } finally {
    await stack.close();
  }
}

interface AttackStage {
  stack: Stack;
  control: Control;
  /** Of the orgs that are not the attacker. */
  keys: string[];
  /** How long others are measured in one turn. */
  ms: number;
}

async function runAttack({ stack, control, keys, ms }: AttackStage, attack: Attack): Promise<AttackSummary> {
  const turns: AttackTurn[] = [];
  const statuses: (number | null)[] = [];
  const bill: BilledCall[] = [];
  for (let round = 0; round < rounds; round++) {
    const calm = await callAsNeighbours(stack.edge.url, keys, ms);
    // Of plan Standard, whose requests a minute are used up within a round.
    const org = await control.makeOrg(standard);
    const running = startAttack(stack.edge.url, org.key, attack);
    await sleep(turnMs);
    const attacked = await callAsNeighbours(stack.edge.url, keys, ms);
    await running.stop();
    turns.push({ calm, attacked });
    statuses.push(...running.statuses);
    bill.push(...(await readBill(stack, control, org.id)));
    await sleep(turnMs);
  }
  return summarize({ name: attack.name, isRefused: attack.isRefused === true, turns, statuses, bill });
}

/**
 * The attacker's bill once nothing is held any more, each line beside what the engines say they sent for it. A node's
 * late word may still mend a line (`adjusted`), so a bill that is not right yet is read again for a while.
 */
async function readBill(stack: Stack, control: Control, org: string): Promise<BilledCall[]> {
  for (const endMs = Date.now() + settleMsMax; ; await sleep(250)) {
    const { openHolds, outboxRows } = await control.ledger(org);
    if (openHolds.length === 0 && outboxRows === 0) break;
    if (Date.now() > endMs) throw new Error(`the attacker's calls are not settled after ${settleMsMax} ms`);
  }
  for (const endMs = Date.now() + lateMsMax; ; await sleep(500)) {
    const bill = compareBill(await control.usage(org), await readRecords(stack));
    if (bill.every(isPaid) || Date.now() > endMs) return bill;
  }
}

async function readRecords({ nodes }: Stack): Promise<OracleRecord[]> {
  const reports = await Promise.all(
    nodes.map(async ({ engineUrl }): Promise<OracleReport> => (await fetch(`${engineUrl}/sim/oracle`)).json()),
  );
  return reports.flatMap(({ records }) => records);
}

function compareBill(lines: readonly BilledHold[], records: readonly OracleRecord[]): BilledCall[] {
  const byHold = Map.groupBy(records, ({ requestId }) => requestId);
  return lines.map(({ hold, end, promptTokens, completionTokens }) => {
    const made = byHold.get(hold) ?? [];
    return {
      hold,
      isLeft: end !== "completed",
      billed: { promptTokens, completionTokens },
      made: {
        promptTokens: made.reduce((sum, record) => sum + record.promptTokens, 0),
        completionTokens: made.reduce((sum, record) => sum + record.emittedTokens, 0),
      },
    };
  });
}

async function waitUntilHealthy(url: string): Promise<void> {
  for (const endMs = Date.now() + 40_000; Date.now() < endMs; await sleep(100)) {
    const health = await fetch(`${url}/health`).then(
      async (answer) => Health.safeParse(await answer.json()),
      () => null,
    );
    if (health?.data?.status === "healthy") return;
  }
  throw new Error("the stack did not become healthy");
}

function show(summary: AttackSummary, isJson: boolean): void {
  if (isJson) return void process.stdout.write(`${JSON.stringify(summary)}\n`);
  const { name, ratio, faults } = summary;
  process.stdout.write(`${faults.length === 0 ? "ok   " : "WRONG"} ${name}: ${ratio.toFixed(2)} ×\n`);
  for (const fault of faults) process.stdout.write(`      ${fault}\n`);
}

function writeSummaries(summaries: readonly AttackSummary[]): string {
  const rows = summaries.map(({ faults, ...figures }) => ({
    ...figures,
    calmP95: Math.round(figures.calmP95),
    attackedP95: Math.round(figures.attackedP95),
    ratio: Math.round(figures.ratio * 100) / 100,
    heavyRatio: Math.round(figures.heavyRatio * 100) / 100,
    wrong: faults.length,
  }));
  return writeTable(columns, rows, "no attack");
}
