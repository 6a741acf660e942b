import { setTimeout as sleep } from "node:timers/promises";
import { planLimits } from "#edge/agreements/records/quota.ts";
import { holdGraceMs } from "#edge/limits.ts";
import type { RunningEdge } from "#infra/local/edge/edge.ts";
import { waitUntilWhole, type Arena } from "./arena/arena.ts";
import { openConductor, type Struck } from "./arena/conductor.ts";
import { Control, type LedgerView, type StormOrg } from "./arena/control.ts";
import type { Crew } from "./crew/crew.ts";
import type { BillRow, Evidence } from "./audit/evidence.ts";
import type { AttemptOutcome } from "./crew/outcome.ts";
import { retryFor } from "./retry.ts";
import type { OrgPlan, StormPlan } from "./plan/plan.ts";
import { openWatch } from "./audit/watch.ts";

/** A storm that is over. Its calls may still be settling; the arena may serve the next storm meanwhile. */
export interface StormRun {
  outcomes: AttemptOutcome[];
  struck: Struck[];
  ms: number;
  /** Waits until everything must be settled, and gathers what the audit needs. */
  gather(): Promise<Evidence>;
}

/** Beyond a hold's own end: an alarm or the cron comes, and the bill moves to D1. */
const settleMsMax = 6_000;
/** A later storm may kill what is being read. */
const awayMsMax = 30_000;
/** D1 may have been down, and be tried again this much later. */
const drainMsMax = 35_000;

/** Runs one storm from its first call to the last answer, with everything that died alive again. */
export async function runStorm(arena: Arena, crew: Crew, plan: StormPlan): Promise<StormRun> {
  await waitUntilWhole(arena);
  const control = new Control(arena.edges[0].url, arena.adminKey);
  const orgs: StormOrg[] = [];
  for (const org of plan.orgs) orgs.push(await control.makeOrg(org));
  const startedAtMs = Date.now();
  const watch = openWatch(control, orgs);
  const conductor = openConductor(arena, plan.faults);
  const outcomes = await crew.run(
    plan,
    arena.edges.map(({ url }) => Number(new URL(url).port)),
    orgs,
    conductor.onMoment,
  );
  const struck = await conductor.finish();
  const endedAtMs = Date.now();
  const watched = await watch.stop();
  return {
    outcomes,
    struck,
    ms: endedAtMs - startedAtMs,
    async gather() {
      await waitUntilSettled(control, orgs, plan, { hasStruck: struck.length > 0, outcomes });
      // One after the other: Redis has 250 ms for each, and a later storm rages.
      const ledgers: LedgerView[] = [];
      for (const { id } of orgs) ledgers.push(await waitUntilDrained(control, id));
      const rows = await readRows(
        arena,
        orgs.map(({ id }) => id),
      );
      const engineCalls = await Promise.all(
        arena.engines.map((engine) => retryFor(awayMsMax, () => engine.read(startedAtMs, endedAtMs))),
      );
      const evidence = orgs.map(({ id }, index) => {
        const org = plan.orgs[index];
        const ledger = ledgers[index];
        if (!org || !ledger) throw new RangeError("an org without a plan");
        return { id, plan: org, limits: findLimits(org), ledger, rows: rows.filter((row) => row.org === id) };
      });
      return {
        plan,
        startedAtMs,
        endedAtMs,
        outcomes,
        orgs: evidence,
        engineCalls: engineCalls.flat(),
        struck,
        watched,
      };
    },
  };
}

/**
 * After a storm in which nothing could be stranded: until the ledgers say that all is settled. Otherwise without a
 * look, since a look expires what is due: alarms and cron must have done it by the latest deadline and its grace.
 */
async function waitUntilSettled(
  control: Control,
  orgs: StormOrg[],
  plan: StormPlan,
  { hasStruck, outcomes }: { hasStruck: boolean; outcomes: AttemptOutcome[] },
): Promise<void> {
  const timeoutMs = Math.max(...plan.callers.flatMap(({ calls }) => calls.map((call) => call.timeoutMs)));
  const latestMs = Math.max(...outcomes.map(({ startedAtMs }) => startedAtMs)) + timeoutMs + holdGraceMs + settleMsMax;
  const isStranded = hasStruck || outcomes.some(({ code, how }) => code === "quota_unavailable" || how === "hung");
  if (isStranded) return void (await sleep(Math.max(0, latestMs - Date.now())));
  while (Date.now() < latestMs) {
    const ledgers: LedgerView[] = [];
    for (const { id } of orgs) ledgers.push(await control.ledger(id));
    const isAtRest = ({ openHolds, leases, outboxRows }: LedgerView) =>
      openHolds.length === 0 && leases.length === 0 && outboxRows === 0;
    if (ledgers.every(isAtRest)) return;
    await sleep(500);
  }
}

/** A ledger whose bill is in D1, or the ledger as last inspected. */
async function waitUntilDrained(control: Control, org: string): Promise<LedgerView> {
  const endMs = Date.now() + drainMsMax;
  let ledger = await control.ledger(org);
  for (; ledger.outboxRows > 0 && Date.now() < endMs; await sleep(300))
    ledger = { ...(await control.ledger(org)), openHolds: ledger.openHolds };
  return ledger;
}

function findLimits({ plan, limits }: OrgPlan) {
  return plan === "enterprise" ? limits : planLimits[plan];
}

/** The bill is what all D1s hold together: on this machine each edge has its own. */
async function readRows(arena: Arena, orgs: string[]): Promise<BillRow[]> {
  const read = async ({ url }: RunningEdge): Promise<BillRow[]> => {
    const answer = await fetch(`${url}/storm/rows`, {
      method: "POST",
      body: JSON.stringify(orgs),
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`the edge at ${url} does not show its bill: ${answer.status}`);
    return answer.json();
  };
  const found = await Promise.all(arena.edges.map((edge) => retryFor(awayMsMax, () => read(edge))));
  return found.flat();
}
