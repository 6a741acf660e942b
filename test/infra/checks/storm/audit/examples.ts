import { audit } from "#infra/checks/storm/audit/audit.ts";
import type { EngineCall } from "#infra/checks/storm/arena/engine.ts";
import type { BillRow, Evidence, OrgEvidence } from "#infra/checks/storm/audit/evidence.ts";
import type { AttemptOutcome } from "#infra/checks/storm/crew/outcome.ts";
import type { CallPlan, StormFaultKind, OrgPlan } from "#infra/checks/storm/plan/plan.ts";

/** When the storm of the examples began. */
export const startedAtMs = 1_800_000_000_000;
/** An org with two requests a minute, two at once. */
export const minute: OrgPlan = {
  kind: "minute",
  plan: "enterprise",
  limits: { requestsPerMinute: 2, concurrency: 2 },
  narrowKey: null,
};
/** An org whose callers share an idempotency key. */
export const again: OrgPlan = { kind: "again", plan: "enterprise", limits: {}, narrowKey: null };
/** A stream of up to 300 tokens. */
export const stream: CallPlan = {
  isStream: true,
  endpoint: "chat",
  model: "chat",
  prompt: "hi",
  tokens: 300,
  isToTheEnd: true,
  wantsUsage: true,
  leavesAfter: null,
  again: null,
  timeoutMs: 8_000,
};

/** An answered call of a caller, changed as told. */
export function outcome(caller: number, over: Partial<AttemptOutcome> = {}): AttemptOutcome {
  const reported = { promptTokens: 10, completionTokens: 20 };
  return {
    caller,
    call: 0,
    attempt: 0,
    edge: 0,
    startedAtMs,
    endedAtMs: startedAtMs + 900,
    status: 200,
    hold: `hold_${caller}`,
    code: null,
    seen: 18,
    isDone: true,
    how: "ended",
    reported,
    ...over,
  };
}

/** A call as its engine tells it. */
export function made(hold: string, over: Partial<EngineCall> = {}): EngineCall {
  return {
    id: "c",
    requestId: hold,
    path: "/v1/chat/completions",
    model: "chat",
    status: 200,
    promptTokens: 10,
    cachedTokens: 0,
    generatedTokens: 20,
    emittedTokens: 20,
    finishReasons: [],
    outcome: "completed",
    startedAtMs: startedAtMs + 100,
    endedAtMs: startedAtMs + 800,
    isWhole: true,
    ...over,
  };
}

/** A line of the bill. */
export const row = (hold: string, org: string, over: Partial<BillRow> = {}): BillRow => ({
  id: hold,
  hold,
  org,
  end: "completed",
  promptTokens: 10,
  completionTokens: 20,
  costMicros: 7,
  ...over,
});

/** An org with its rows, and a ledger that fits them. */
export function org(plan: OrgPlan, id: string, rows: BillRow[], admitted: number): OrgEvidence {
  const tokens = rows.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0);
  const cost = rows.reduce((sum, { costMicros }) => sum + costMicros, 0);
  const limits = plan.limits;
  const window = (name: string, settled: number, limit: number | null = null) => ({
    window: name,
    of: "org",
    limit,
    remaining: limit === null ? null : limit - settled,
    held: 0,
    settled,
  });
  const windows = [
    window("requestsPerMinute", admitted, limits.requestsPerMinute ?? null),
    window("requestsPerHour", admitted),
    window("concurrency", 0, limits.concurrency ?? null),
    window("tokensPerMonth", tokens),
    window("costMicrosPerMonth", cost),
  ];
  return { id, plan, limits, ledger: { windows, openHolds: [], leases: [], outboxRows: 0 }, rows };
}

/**
 * Three callers on a limit of two a minute, and two of one idempotency key; two streams of 20 tokens are answered, and
 * one of the repeated calls.
 */
export function evidence(): Evidence {
  const caller = (at: number, call: CallPlan) => ({
    org: at,
    isNarrow: false,
    edge: 0 as const,
    startMs: 0,
    calls: [call],
  });
  const repeated = { ...stream, again: "key" };
  return {
    plan: {
      seed: 1,
      store: "durable-object",
      without: [],
      edges: 1,
      orgs: [minute, again],
      callers: [caller(0, stream), caller(0, stream), caller(0, stream), caller(1, repeated), caller(1, repeated)],
      faults: [],
    },
    startedAtMs,
    endedAtMs: startedAtMs + 2_000,
    outcomes: [
      outcome(0),
      outcome(1),
      outcome(2, { status: 429, hold: null, code: "rate_limit_exceeded", seen: 0, isDone: false, reported: null }),
      outcome(3),
      outcome(4, { status: 409, hold: null, code: "idempotency_in_progress", seen: 0, isDone: false, reported: null }),
    ],
    orgs: [
      org(minute, "org_a", [row("hold_0", "org_a"), row("hold_1", "org_a")], 2),
      org(again, "org_b", [row("hold_3", "org_b")], 1),
    ],
    engineCalls: [made("hold_0"), made("hold_1"), made("hold_3")],
    struck: [],
    watched: { wrong: [], polls: 5 },
  };
}

/** Adds a fault that was planned and struck. */
export const strike = (found: Evidence, kind: StormFaultKind) => {
  const fault = {
    number: 1,
    kind,
    target: 0 as const,
    when: { moment: "call" as const, share: 0.5, afterMs: 0 },
    forMs: 0,
  };
  found.plan.faults.push(fault);
  found.struck.push({ fault, atMs: startedAtMs + 500, mendedAtMs: startedAtMs + 900 });
};
/** The rules that the audit says were broken. */
export const findRules = (found: Evidence) => [...new Set(audit(found).violations.map(({ rule }) => rule))];
/** A window of an org, to be changed. */
export const findWindow = (found: Evidence, name: string, at = 0) =>
  found.orgs[at]!.ledger.windows.find(({ window }) => window === name)!;
/** Changes a line of the bill and the ledger's sums alike, as a wrong settlement would. */
export function bill(found: Evidence, at: number, over: Partial<BillRow>) {
  const rows = found.orgs[0]!.rows.map((each, index) => (index === at ? { ...each, ...over } : each));
  found.orgs[0] = org(minute, "org_a", rows, 2);
}
