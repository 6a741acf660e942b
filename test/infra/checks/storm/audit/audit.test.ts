import { describe, expect, test } from "vitest";
import { audit } from "#infra/checks/storm/audit/audit.ts";
import type { Evidence } from "#infra/checks/storm/audit/evidence.ts";
import {
  startedAtMs,
  minute,
  again,
  outcome,
  made,
  row,
  org,
  evidence,
  strike,
  findRules,
  findWindow,
  bill,
} from "./examples.ts";

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
      found.engineCalls.push(made("hold_2", { startedAtMs: startedAtMs + 900, endedAtMs: startedAtMs + 1_000 }));
    },
  ],
  [
    "the ledger admitted one more than the limit, and nobody heard",
    "overshoot",
    (found) => void (findWindow(found, "requestsPerHour").settled = 3),
  ],
  ["three calls ran at once where two may", "overshoot", (found) => void found.engineCalls.push(made("hold_0"))],
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
    (found) => void (findWindow(found, "requestsPerMinute").remaining = 1),
  ],
  [
    "an admission that was answered is forgotten",
    "conservation",
    (found) => {
      findWindow(found, "requestsPerHour").settled = 1;
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
        reported: null,
      });
      found.orgs[0] = org(minute, "org_a", [row("hold_0", "org_a")], 1);
      found.engineCalls.splice(1, 1);
    },
  ],
  [
    "a hold is still open",
    "open holds",
    (found) => {
      found.orgs[0]!.ledger.openHolds.push({ hold: "hold_9", expiresAt: "2027-01-01T00:00:00Z" });
      findWindow(found, "concurrency").held = 1;
      findWindow(found, "concurrency").remaining = 1;
    },
  ],
  ["a line of the bill has not reached D1", "open holds", (found) => void (found.orgs[0]!.ledger.outboxRows = 1)],
  ["a line of the bill is lost on the way to D1", "bill", (found) => void found.orgs[0]!.rows.pop()],
  ["the ledger settled more than the rows say", "bill", (found) => void findWindow(found, "tokensPerMonth").settled++],
  [
    "the ledger's money is not that of the rows",
    "bill",
    (found) => void findWindow(found, "costMicrosPerMonth").settled--,
  ],
  ["one token too many is billed", "bill", (found) => bill(found, 0, { completionTokens: 21 })],
  ["one token too few is billed", "bill", (found) => bill(found, 0, { completionTokens: 19 })],
  [
    "one token too few is billed to a caller who left",
    "bill",
    (found) => {
      found.outcomes[0] = outcome(0, { how: "aborted", isDone: false, reported: null });
      found.engineCalls[0] = made("hold_0", { outcome: "cancelled" });
      bill(found, 0, { end: "cancelled", completionTokens: 19 });
    },
  ],
  [
    "the prompt is billed wrongly",
    "bill",
    (found) => {
      found.outcomes[0] = outcome(0, { reported: null });
      bill(found, 0, { promptTokens: 11 });
    },
  ],
  [
    "the caller got another usage than is billed",
    "bill",
    (found) => void (found.outcomes[0] = outcome(0, { reported: { promptTokens: 10, completionTokens: 19 } })),
  ],
  [
    "more is billed than was reserved, since the engine made more",
    "bill",
    (found) => {
      found.engineCalls[0] = made("hold_0", { emittedTokens: 301 });
      found.outcomes[0] = outcome(0, { reported: null });
      bill(found, 0, { completionTokens: 301 });
    },
  ],
  ["a call is billed that no engine knows of", "bill", (found) => void found.engineCalls.shift()],
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
      found.engineCalls.splice(1, 1);
    },
  ],
  [
    "work that nobody saw stands on no bill, and nothing had broken",
    "unbilled",
    (found) => void found.engineCalls.push(made("hold_x")),
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
        reported: null,
      })),
  ],
  [
    "an internal error, whatever died",
    "announced errors",
    (found) => {
      strike(found, "kill-agent");
      found.outcomes[2] = outcome(2, {
        status: 500,
        hold: null,
        code: "internal",
        seen: 0,
        isDone: false,
        reported: null,
      });
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
        reported: null,
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
        reported: null,
      })),
  ],
  [
    "a stream ended without a word",
    "truncation",
    (found) => void (found.outcomes[0] = outcome(0, { isDone: false, reported: null })),
  ],
  [
    "a call that never ends",
    "hung",
    (found) => void (found.outcomes[0] = outcome(0, { how: "hung", endedAtMs: startedAtMs + 23_000, reported: null })),
  ],
  [
    "an idempotency key was answered twice",
    "idempotency",
    (found) => {
      found.outcomes[4] = outcome(4);
      found.orgs[1] = org(again, "org_b", [row("hold_3", "org_b"), row("hold_4", "org_b")], 2);
      found.engineCalls.push(made("hold_4"));
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
  ["nobody looked at the ledgers", "empty storm", (found) => void (found.watched.polls = 0)],
];

describe("the audit finds", () => {
  test.each(doctored)("%s: %s", (_, rule, doctor) => {
    const found = evidence();
    doctor(found);
    expect(findRules(found)).toContain(rule);
  });
});
