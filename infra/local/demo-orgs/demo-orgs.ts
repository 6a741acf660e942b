import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ModelRecord } from "#edge/agreements/records/model.ts";
import { askEdge, showKey, signIn, type Credentials } from "../edge/ask-edge.ts";
import type { RunningEdge } from "../edge/edge.ts";
import { cast, operatorEmail, type CastOrg } from "./cast.ts";
import { writeHistory, type HistoryLine } from "./history.ts";
import type { Mailbox } from "./mailbox.ts";
import { makeOrg, type MadeOrg } from "./make-org.ts";
import { openReceiver } from "./receiver.ts";
import { startTraffic } from "./traffic.ts";
import { findNewest, writePast } from "./write-past.ts";

/** How the demo is to be. */
export interface DemoOptions {
  stateDir: string;
  edge: RunningEdge;
  adminKey: string;
  models: readonly ModelRecord[];
  mailbox: Mailbox;
  /** How long its past is. */
  days: number;
  seed: string;
}

/** The demo's orgs, at work. */
export interface DemoOrgs {
  orgs: MadeOrg[];
  /** Lines of the bill that this start wrote. */
  linesWritten: number;
  stop(): void;
}

interface DemoState {
  receiverPort: number;
  orgs: MadeOrg[];
}

const dayMs = 86_400_000;
/** A shorter time without calls is no gap. */
const gapMsMin = 600_000;

/**
 * Three orgs with people, keys, budgets and a past, and calls that go on while the stack runs. What is there already
 * stays as it is; the time in which nothing ran is filled in.
 */
export async function openDemoOrgs(options: DemoOptions): Promise<DemoOrgs> {
  const { stateDir, edge, adminKey, seed } = options;
  const file = join(stateDir, "demo.json");
  const state = readState(file);
  const receiver = await openReceiver(state.receiverPort);
  state.receiverPort = receiver.port;
  const keep = () => writeFileSync(file, JSON.stringify(state, null, 2), { mode: 0o600 });
  if (state.orgs.length === 0) await makeOperator(edge.url, adminKey);
  let linesWritten = 0;
  for (const one of cast) {
    const known = state.orgs.find(({ name }) => name === one.name);
    if (known) {
      linesWritten += await writeMissingPast(one, known, options, null);
      continue;
    }
    const making = { edge: edge.url, adminKey, mailbox: options.mailbox, receiver: receiver.url };
    const { made, billing } = await makeOrg(one, making);
    state.orgs.push(made);
    keep();
    linesWritten += await writeMissingPast(one, made, options, billing);
  }
  keep();
  const traffic = cast.map((one, at) => {
    const made = state.orgs.find(({ name }) => name === one.name);
    return made ? startTraffic(edge.url, one, made, `${seed} ${at}`) : null;
  });
  const stop = () => {
    for (const each of traffic) each?.stop();
    receiver.close();
  };
  return { orgs: state.orgs, linesWritten, stop };
}

/** Who looks at all orgs. */
async function makeOperator(edge: string, adminKey: string): Promise<void> {
  await signIn(edge, operatorEmail, "Operator");
  await askEdge(`${edge}/control/operators`, showKey(adminKey), { email: operatorEmail });
}

/** The past from the newest call on, or as long as it is to be; whoever pays sets budgets that it comes near to. */
async function writeMissingPast(
  org: CastOrg,
  made: MadeOrg,
  { edge, models, days, seed }: DemoOptions,
  billing: Credentials | null,
): Promise<number> {
  const db = await edge.openDatabase();
  const nowMs = Date.now();
  const newest = await findNewest(db, made.id);
  if (newest !== null && nowMs - newest < gapMsMin) return 0;
  const fromMs = Math.max(nowMs - days * dayMs, newest === null ? 0 : newest + 1);
  const keys = Object.fromEntries(Object.entries(made.keys).map(([name, { id }]) => [name, id]));
  const lines = [...writeHistory({ cast: org, org: made.id, keys, models, seed }, fromMs, nowMs)];
  if (billing) await setBudgets(`${edge.url}/control/orgs/${made.id}/budgets`, billing, lines);
  await writePast(db, lines);
  return lines.length;
}

/** A budget of a month for the org, and one for its busiest key that has been passed. */
async function setBudgets(url: string, billing: Credentials, lines: readonly HistoryLine[]): Promise<void> {
  const sum = (some: readonly HistoryLine[]) => some.reduce((all, { costMicros }) => all + Number(costMicros), 0);
  const keys = [...Map.groupBy(lines, ({ key }) => key)].map(([key, of]) => ({ key, spentMicros: sum(of) }));
  const [busiest] = keys.sort((one, other) => other.spentMicros - one.spentMicros);
  await askEdge(url, billing, { amountMicros: round(sum(lines) * 1.2) });
  if (busiest) await askEdge(url, billing, { key: busiest.key, amountMicros: round(busiest.spentMicros * 0.7) });
}

/** To two figures, as people set amounts. */
function round(micros: number): number {
  return Math.max(10_000, Number(micros.toPrecision(2)));
}

function readState(file: string): DemoState {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { receiverPort: 0, orgs: [] };
  }
}
