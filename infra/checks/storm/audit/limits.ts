import type { Violation } from "./violation.ts";
import type { BillRow, Evidence, OrgEvidence } from "./evidence.ts";
import { findWindowFaults, type WindowFault } from "./watch.ts";

/**
 * Clocks of one machine, but a call that is given up when its network is cut ends at the engine some moments after its
 * hold.
 */
const cutSlackMs = 100;
const minuteMs = 60_000;

/**
 * Nothing was admitted above a limit, by the account of the ledger, of the callers and of the engines; every window
 * adds up; nothing is held any more.
 */
export function checkLimits(evidence: Evidence): Violation[] {
  return evidence.orgs.flatMap((org) => {
    const seen = evidence.watched.wrong.filter(({ org: id }) => id === org.id);
    const faults = [
      ...seen.map((fault) => ({ ...fault, what: `during the storm ${fault.what}` })),
      ...findWindowFaults(org.id, org.ledger),
    ];
    return [
      ...faults
        .filter((fault) => fault.overshootBy === 0 || fault.overshootBy > countLate(fault, org))
        .map((fault) => makeViolation(fault, org)),
      ...checkOrg(evidence, org),
    ];
  });
}

function makeViolation({ what, overshootBy }: WindowFault, { plan, id }: OrgEvidence): Violation {
  return { rule: overshootBy > 0 ? "overshoot" : "conservation", what: `${plan.kind} ${id}: ${what}` };
}

/**
 * Usage that came after its hold had ended: those tokens had been released, and perhaps given to another call, when a
 * node that had been given up reported its work all the same (docs/decisions/0002). By that much tokens and money may
 * go over; requests and concurrent calls never.
 */
function countLate({ window }: Pick<WindowFault, "window">, { rows }: OrgEvidence): number {
  const late = rows.filter(({ end }) => end === "adjusted");
  if (window.startsWith("tokens")) return sumTokens(late);
  return window.startsWith("cost") ? late.reduce((sum, { costMicros }) => sum + costMicros, 0) : 0;
}

function sumTokens(rows: BillRow[]): number {
  return rows.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0);
}

function checkOrg(evidence: Evidence, org: OrgEvidence): Violation[] {
  const report = (rule: Violation["rule"], what: string): Violation => ({
    rule,
    what: `${org.plan.kind} ${org.id}: ${what}`,
  });
  const { ledger } = org;
  const found: Violation[] = [];
  if (ledger.openHolds.length > 0)
    found.push(
      report(
        "open holds",
        `${ledger.openHolds.length} holds are open after their time: ${ledger.openHolds
          .map(({ hold }) => hold)
          .slice(0, 3)
          .join(", ")}`,
      ),
    );
  if (ledger.outboxRows > 0)
    found.push(report("open holds", `${ledger.outboxRows} lines of the bill have not reached D1`));
  for (const { window, of, held } of ledger.windows)
    if (held !== 0) found.push(report("open holds", `${window} of ${of} still holds ${held}`));
  return [
    ...found,
    ...checkAttempts(evidence, org).map(([rule, what]) => report(rule, what)),
    ...checkAtOnce(evidence, org).map((what) => report("overshoot", what)),
  ];
}

/** Requests a minute: the hour's count is the number of admissions, even after the minute has passed. */
function checkAttempts(evidence: Evidence, org: OrgEvidence): [Violation["rule"], string][] {
  const { outcomes, plan } = evidence;
  const minutes = 1 + Math.floor((evidence.endedAtMs - evidence.startedAtMs) / minuteMs);
  const admitted = readSettled(org, "requestsPerHour");
  const limit = org.limits.requestsPerMinute ?? null;
  const ours = outcomes.filter(({ caller }) => plan.orgs[plan.callers[caller]?.org ?? -1]?.kind === org.plan.kind);
  const answered = new Set(ours.flatMap(({ hold, status }) => (hold !== null && status === 200 ? [hold] : [])));
  const found: [Violation["rule"], string][] = [];
  if (limit !== null && admitted > limit * minutes)
    found.push(["overshoot", `the ledger admitted ${admitted} of ${limit} a minute`]);
  if (limit !== null && answered.size > limit * minutes)
    found.push(["overshoot", `${answered.size} callers were answered, of ${limit} a minute`]);
  if (answered.size > admitted)
    found.push([
      "conservation",
      `${answered.size} callers were answered, but the ledger knows of ${admitted} admissions`,
    ]);
  const narrow = ours.filter(
    ({ caller, status, hold }) => plan.callers[caller]?.isNarrow && status === 200 && hold !== null,
  );
  const { narrowKey } = org.plan;
  if (narrowKey !== null && narrow.length > narrowKey * minutes)
    found.push(["overshoot", `${narrow.length} callers of the narrow key were answered, of ${narrowKey} a minute`]);
  // Where nothing fails, whoever fits is let in.
  const isCalm =
    evidence.struck.length === 0 && !ours.some(({ code, how }) => code === "quota_unavailable" || how !== "ended");
  const asked = ours.filter(({ attempt }) => attempt === 0).length;
  if (org.plan.kind === "minute" && limit !== null && isCalm && admitted < Math.min(asked, limit))
    found.push(["under-admission", `only ${admitted} of ${limit} were admitted, though ${asked} asked`]);
  const tokensMax = org.limits.tokensPerMonth ?? null;
  const billed = sumTokens(org.rows);
  if (tokensMax !== null && billed > tokensMax + countLate({ window: "tokensPerMonth" }, org))
    found.push(["overshoot", `${billed} tokens are on the bill, of ${tokensMax} a month`]);
  return found;
}

/** No more calls at once than the org may have, by the engines' clocks: a call's work lies within its hold. */
function checkAtOnce({ engineCalls: made, struck }: Evidence, { rows, limits }: OrgEvidence): string[] {
  const limit = limits.concurrency ?? null;
  if (limit === null) return [];
  const slackMs = struck.length > 0 ? cutSlackMs : 0;
  const holds = new Set(rows.map(({ hold }) => hold));
  const ours = made.filter(
    ({ requestId, endedAtMs, outcome }) =>
      requestId !== null && holds.has(requestId) && endedAtMs !== null && outcome !== "refused",
  );
  // At one millisecond an end comes before a beginning.
  const steps = ours
    .flatMap(
      ({ startedAtMs, endedAtMs }) =>
        [
          [startedAtMs, 1],
          [Math.max(startedAtMs, (endedAtMs ?? 0) - slackMs), -1],
        ] as const,
    )
    .toSorted(([a, up], [b, down]) => a - b || up - down);
  let running = 0;
  let most = 0;
  for (const [, step] of steps) most = Math.max(most, (running += step));
  return most > limit ? [`${most} calls ran at once at the engines, of ${limit}`] : [];
}

/** What a window of the org has settled. */
export function readSettled({ ledger }: Pick<OrgEvidence, "ledger">, window: string): number {
  return ledger.windows.find((row) => row.window === window && row.of === "org")?.settled ?? 0;
}
