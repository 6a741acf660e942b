import { describe, expect, test } from "vitest";
import { audit } from "#infra/checks/storm/audit/audit.ts";
import type { MadeCall } from "#infra/checks/storm/arena/engine.ts";
import type { BillRow, Evidence, OrgEvidence } from "#infra/checks/storm/audit/evidence.ts";
import type { Outcome } from "#infra/checks/storm/crew/outcome.ts";
import type { CallPlan, FaultKind, OrgPlan } from "#infra/checks/storm/plan/plan.ts";

const startedAtMs = 1_800_000_000_000;
const minute: OrgPlan = {
  kind: "minute",
  plan: "enterprise",
  limits: { requestsPerMinute: 2, concurrency: 2 },
  narrowKey: null,
};
const again: OrgPlan = { kind: "again", plan: "enterprise", limits: {}, narrowKey: null };
const stream: CallPlan = {
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

function outcome(caller: number, over: Partial<Outcome> = {}): Outcome {
  const told = { promptTokens: 10, completionTokens: 20 };
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
    told,
    ...over,
  };
}

function made(hold: string, over: Partial<MadeCall> = {}): MadeCall {
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

const row = (hold: string, org: string, over: Partial<BillRow> = {}): BillRow => ({
  id: hold,
  hold,
  org,
  end: "completed",
  promptTokens: 10,
  completionTokens: 20,
  costMicros: 7,
  ...over,
});

function org(plan: OrgPlan, id: string, rows: BillRow[], admitted: number): OrgEvidence {
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
  return { id, plan, limits, ledger: { windows, openHolds: [], outboxRows: 0 }, rows };
}

/**
 * Three callers on a limit of two a minute, and two of one idempotency key; two streams of 20 tokens are answered, and
 * one of the repeated calls.
 */
function evidence(): Evidence {
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
      outcome(2, { status: 429, hold: null, code: "rate_limit_exceeded", seen: 0, isDone: false, told: null }),
      outcome(3),
      outcome(4, { status: 409, hold: null, code: "idempotency_in_progress", seen: 0, isDone: false, told: null }),
    ],
    orgs: [
      org(minute, "org_a", [row("hold_0", "org_a"), row("hold_1", "org_a")], 2),
      org(again, "org_b", [row("hold_3", "org_b")], 1),
    ],
    made: [made("hold_0"), made("hold_1"), made("hold_3")],
    struck: [],
    watched: { wrong: [], looks: 5 },
  };
}

const strike = (found: Evidence, kind: FaultKind) => {
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
const rulesOf = (found: Evidence) => [...new Set(audit(found).violations.map(({ rule }) => rule))];
const windowOf = (found: Evidence, name: string, at = 0) =>
  found.orgs[at]!.ledger.windows.find(({ window }) => window === name)!;
/** Changes a line of the bill and the ledger's sums alike, as a wrong settlement would. */
function bill(found: Evidence, at: number, over: Partial<BillRow>) {
  const rows = found.orgs[0]!.rows.map((each, index) => (index === at ? { ...each, ...over } : each));
  found.orgs[0] = org(minute, "org_a", rows, 2);
}

test("a storm in which all went well has no violations, and its figures", () => {
  const { violations, figures } = audit(evidence());
  expect(violations).toEqual([]);
  expect(figures).toMatchObject({
    calls: 5,
    answered: 3,
    refused: 2,
    failed: 0,
    rows: 3,
    made: 60,
    billed: 60,
    short: 0,
  });
});

/** What could be wrong, the rule that must say so, and evidence doctored so. */
const doctored: [what: string, rule: string, doctor: (found: Evidence) => void][] = [
  [
    "more callers were answered than the limit allows",
    "overshoot",
    (found) => {
      found.outcomes[2] = outcome(2);
      found.orgs[0] = org(minute, "org_a", [row("hold_0", "org_a"), row("hold_1", "org_a"), row("hold_2", "org_a")], 3);
      found.made.push(made("hold_2", { startedAtMs: startedAtMs + 900, endedAtMs: startedAtMs + 1_000 }));
    },
  ],
  [
    "the ledger admitted one more than the limit, and nobody was told",
    "overshoot",
    (found) => void (windowOf(found, "requestsPerHour").settled = 3),
  ],
  ["three calls ran at once where two may", "overshoot", (found) => void found.made.push(made("hold_0"))],
  [
    "a window was seen below zero while it stormed",
    "overshoot",
    (found) => found.watched.wrong.push({ org: "org_a", window: "tokensPerMonth", overshootBy: 3, what: "overshoots" }),
  ],
  [
    "a window did not add up while it stormed",
    "conservation",
    (found) =>
      found.watched.wrong.push({ org: "org_a", window: "concurrency", overshootBy: 0, what: "does not add up" }),
  ],
  [
    "a window does not add up in the end",
    "conservation",
    (found) => void (windowOf(found, "requestsPerMinute").remaining = 1),
  ],
  [
    "an admission that was answered is forgotten",
    "conservation",
    (found) => {
      windowOf(found, "requestsPerHour").settled = 1;
    },
  ],
  [
    "somebody who fitted was refused though nothing failed",
    "under-admission",
    (found) => {
      found.outcomes[1] = outcome(1, {
        status: 429,
        hold: null,
        code: "rate_limit_exceeded",
        seen: 0,
        isDone: false,
        told: null,
      });
      found.orgs[0] = org(minute, "org_a", [row("hold_0", "org_a")], 1);
      found.made.splice(1, 1);
    },
  ],
  [
    "a hold is still open",
    "open holds",
    (found) => {
      found.orgs[0]!.ledger.openHolds.push({ hold: "hold_9", expiresAt: "2027-01-01T00:00:00Z" });
      windowOf(found, "concurrency").held = 1;
      windowOf(found, "concurrency").remaining = 1;
    },
  ],
  ["a line of the bill has not reached D1", "open holds", (found) => void (found.orgs[0]!.ledger.outboxRows = 1)],
  ["a line of the bill is lost on the way to D1", "bill", (found) => void found.orgs[0]!.rows.pop()],
  ["the ledger settled more than the rows say", "bill", (found) => void windowOf(found, "tokensPerMonth").settled++],
  [
    "the ledger's money is not that of the rows",
    "bill",
    (found) => void windowOf(found, "costMicrosPerMonth").settled--,
  ],
  ["one token too many is billed", "bill", (found) => bill(found, 0, { completionTokens: 21 })],
  ["one token too few is billed", "bill", (found) => bill(found, 0, { completionTokens: 19 })],
  [
    "one token too few is billed to a caller who left",
    "bill",
    (found) => {
      found.outcomes[0] = outcome(0, { how: "left", isDone: false, told: null });
      found.made[0] = made("hold_0", { outcome: "cancelled" });
      bill(found, 0, { end: "cancelled", completionTokens: 19 });
    },
  ],
  [
    "the prompt is billed wrongly",
    "bill",
    (found) => {
      found.outcomes[0] = outcome(0, { told: null });
      bill(found, 0, { promptTokens: 11 });
    },
  ],
  [
    "the caller was told another usage than is billed",
    "bill",
    (found) => void (found.outcomes[0] = outcome(0, { told: { promptTokens: 10, completionTokens: 19 } })),
  ],
  [
    "more is billed than was reserved, since the engine made more",
    "bill",
    (found) => {
      found.made[0] = made("hold_0", { emittedTokens: 301 });
      found.outcomes[0] = outcome(0, { told: null });
      bill(found, 0, { completionTokens: 301 });
    },
  ],
  ["a call is billed that no engine knows of", "bill", (found) => void found.made.shift()],
  [
    "a hold is billed twice",
    "double",
    (found) => {
      found.orgs[0] = org(minute, "org_a", [...found.orgs[0]!.rows, row("hold_1", "org_a", { id: "hold_1:again" })], 3);
    },
  ],
  [
    "two edges wrote different lines for one hold",
    "double",
    (found) => void found.orgs[0]!.rows.push(row("hold_1", "org_a", { completionTokens: 25 })),
  ],
  [
    "an answer stands on no bill",
    "unbilled",
    (found) => {
      found.orgs[0] = org(minute, "org_a", [row("hold_0", "org_a")], 2);
      found.made.splice(1, 1);
    },
  ],
  [
    "work that nobody saw stands on no bill, and nothing had broken",
    "unbilled",
    (found) => void found.made.push(made("hold_x")),
  ],
  [
    "a 5xx that nothing announced",
    "announced errors",
    (found) =>
      void (found.outcomes[2] = outcome(2, {
        status: 503,
        hold: null,
        code: "no_healthy_backends",
        seen: 0,
        isDone: false,
        told: null,
      })),
  ],
  [
    "an internal error, whatever died",
    "announced errors",
    (found) => {
      strike(found, "kill-agent");
      found.outcomes[2] = outcome(2, { status: 500, hold: null, code: "internal", seen: 0, isDone: false, told: null });
    },
  ],
  [
    "a deadline that struck too early",
    "announced errors",
    (found) =>
      void (found.outcomes[2] = outcome(2, {
        status: 504,
        hold: null,
        code: "gateway_timeout",
        seen: 0,
        isDone: false,
        told: null,
      })),
  ],
  [
    "a connection broke though no edge died",
    "announced errors",
    (found) =>
      void (found.outcomes[2] = outcome(2, {
        status: null,
        hold: null,
        how: "broken",
        seen: 0,
        isDone: false,
        told: null,
      })),
  ],
  [
    "a stream ended without a word",
    "truncation",
    (found) => void (found.outcomes[0] = outcome(0, { isDone: false, told: null })),
  ],
  [
    "a call that never ends",
    "hung",
    (found) => void (found.outcomes[0] = outcome(0, { how: "hung", endedAtMs: startedAtMs + 23_000, told: null })),
  ],
  [
    "an idempotency key was answered twice",
    "idempotency",
    (found) => {
      found.outcomes[4] = outcome(4);
      found.orgs[1] = org(again, "org_b", [row("hold_3", "org_b"), row("hold_4", "org_b")], 2);
      found.made.push(made("hold_4"));
    },
  ],
  [
    "a fault of the plan did not strike",
    "empty storm",
    (found) => {
      strike(found, "kill-agent");
      found.struck.pop();
    },
  ],
  ["nobody looked at the ledgers", "empty storm", (found) => void (found.watched.looks = 0)],
];

describe("the audit finds", () => {
  test.each(doctored)("%s: %s", (_, rule, doctor) => {
    const found = evidence();
    doctor(found);
    expect(rulesOf(found)).toContain(rule);
  });
});

describe("the audit allows", () => {
  test("what is announced: a dead agent's 503, a dead edge's broken connections, Redis that is slow", () => {
    const failed = (code: string): Partial<Outcome> => ({
      status: 503,
      hold: null,
      code,
      seen: 0,
      isDone: false,
      told: null,
    });
    const agent = evidence();
    strike(agent, "kill-agent");
    agent.outcomes[2] = outcome(2, failed("no_healthy_backends"));
    expect(rulesOf(agent)).toEqual([]);
    const edge = evidence();
    strike(edge, "kill-edge");
    edge.outcomes[2] = outcome(2, { status: null, hold: null, how: "broken", seen: 0, isDone: false, told: null });
    expect(rulesOf(edge)).toEqual([]);
    const redis = evidence();
    redis.plan.store = "upstash";
    redis.outcomes[4] = outcome(4, failed("quota_unavailable"));
    expect(rulesOf(redis)).toEqual([]);
  });

  test("a dead agent's call to be billed by its last checkpoint: less than was made, but not much, and never more", () => {
    const withBill = (completionTokens: number, emittedTokens: number) => {
      const found = evidence();
      strike(found, "kill-agent");
      found.outcomes[0] = outcome(0, { how: "ended", isDone: false, code: "stream_broken", seen: 260, told: null });
      // 300 tokens in half a minute: five seconds of it are fewer than 256.
      found.made[0] = made("hold_0", { emittedTokens, outcome: "cancelled", endedAtMs: startedAtMs + 30_100 });
      found.orgs[0]!.limits = {};
      bill(found, 0, { end: "expired", completionTokens });
      return rulesOf(found);
    };
    expect(withBill(256, 300)).toEqual([]);
    expect(withBill(40, 299)).toEqual(["bill"]);
    expect(withBill(300, 299)).toEqual(["bill"]);
  });

  test("tokens to go over a limit by what came late, and requests never", () => {
    const withFault = (window: string, overshootBy: number) => {
      const found = evidence();
      const late = row("hold_1", "org_a", {
        id: "hold_1:late",
        end: "adjusted",
        promptTokens: 10,
        completionTokens: 15,
      });
      found.orgs[0] = org(
        minute,
        "org_a",
        [
          row("hold_0", "org_a"),
          row("hold_1", "org_a", { end: "expired", promptTokens: 0, completionTokens: 5 }),
          late,
        ],
        2,
      );
      found.watched.wrong.push({ org: "org_a", window, overshootBy, what: "overshoots" });
      return rulesOf(found);
    };
    expect(withFault("tokensPerMonth", 25)).toEqual([]);
    expect(withFault("tokensPerMonth", 26)).toEqual(["overshoot"]);
    expect(withFault("requestsPerMinute", 1)).toEqual(["overshoot"]);
  });

  test("a call that was given up before its first byte to be free, in a storm where something was given up", () => {
    const found = evidence();
    found.outcomes[0] = outcome(0, {
      status: 504,
      hold: null,
      code: "gateway_timeout",
      seen: 0,
      isDone: false,
      told: null,
      endedAtMs: startedAtMs + 8_000,
    });
    bill(found, 0, { end: "expired", promptTokens: 0, completionTokens: 0 });
    expect(rulesOf(found)).toEqual([]);
    found.outcomes[0] = outcome(0, {
      code: "gateway_timeout",
      seen: 3,
      isDone: false,
      told: null,
      endedAtMs: startedAtMs + 8_000,
    });
    expect(rulesOf(found)).toEqual(["bill"]);
  });

  test("a dead engine to take the truth with it, but not that less is billed than the caller saw", () => {
    const withBill = (completionTokens: number) => {
      const found = evidence();
      strike(found, "kill-engine");
      found.outcomes[0] = outcome(0, { isDone: false, code: "stream_broken", seen: 18, told: null });
      found.made[0] = made("hold_0", { isWhole: false, endedAtMs: null, outcome: "open" });
      bill(found, 0, { end: "failed", completionTokens });
      return rulesOf(found);
    };
    expect(withBill(19)).toEqual([]);
    expect(withBill(17)).toEqual(["bill"]);
  });
});
