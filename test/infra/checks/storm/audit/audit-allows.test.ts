import { describe, expect, test } from "vitest";
import type { AttemptOutcome } from "#infra/checks/storm/crew/outcome.ts";
import { startedAtMs, minute, outcome, made, row, org, evidence, strike, findRules, bill } from "./examples.ts";

describe("the audit allows", () => {
  test("what is announced: a dead agent's 503, a dead edge's broken connections, Redis that is slow", () => {
    const failed = (code: string): Partial<AttemptOutcome> => ({
      status: 503,
      hold: null,
      code,
      seen: 0,
      isDone: false,
      reported: null,
    });
    const agent = evidence();
    strike(agent, "kill-agent");
    agent.outcomes[2] = outcome(2, failed("no_healthy_backends"));
    expect(findRules(agent)).toEqual([]);
    const edge = evidence();
    strike(edge, "kill-edge");
    edge.outcomes[2] = outcome(2, { status: null, hold: null, how: "broken", seen: 0, isDone: false, reported: null });
    expect(findRules(edge)).toEqual([]);
    const redis = evidence();
    redis.plan.store = "upstash";
    redis.outcomes[4] = outcome(4, failed("quota_unavailable"));
    expect(findRules(redis)).toEqual([]);
  });

  test("a dead agent's call to be billed by its last checkpoint: a little less than was made, never more", () => {
    const withBill = (completionTokens: number, emittedTokens: number) => {
      const found = evidence();
      strike(found, "kill-agent");
      found.outcomes[0] = outcome(0, { how: "ended", isDone: false, code: "stream_broken", seen: 260, reported: null });
      // 300 tokens in half a minute: five seconds of it are fewer than 256.
      found.engineCalls[0] = made("hold_0", { emittedTokens, outcome: "cancelled", endedAtMs: startedAtMs + 30_100 });
      found.orgs[0]!.limits = {};
      bill(found, 0, { end: "expired", completionTokens });
      return findRules(found);
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
      return findRules(found);
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
      reported: null,
      endedAtMs: startedAtMs + 8_000,
    });
    bill(found, 0, { end: "expired", promptTokens: 0, completionTokens: 0 });
    expect(findRules(found)).toEqual([]);
    found.outcomes[0] = outcome(0, {
      code: "gateway_timeout",
      seen: 3,
      isDone: false,
      reported: null,
      endedAtMs: startedAtMs + 8_000,
    });
    expect(findRules(found)).toEqual(["bill"]);
  });

  test("a dead engine to take the truth with it, but not that less is billed than the caller saw", () => {
    const withBill = (completionTokens: number) => {
      const found = evidence();
      strike(found, "kill-engine");
      found.outcomes[0] = outcome(0, { isDone: false, code: "stream_broken", seen: 18, reported: null });
      found.engineCalls[0] = made("hold_0", { isWhole: false, endedAtMs: null, outcome: "open" });
      bill(found, 0, { end: "failed", completionTokens });
      return findRules(found);
    };
    expect(withBill(19)).toEqual([]);
    expect(withBill(17)).toEqual(["bill"]);
  });
});
