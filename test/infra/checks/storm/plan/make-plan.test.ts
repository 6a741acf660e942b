import { describe, expect, test } from "vitest";
import { listPoints } from "#infra/checks/storm/plan/make-faults.ts";
import { makePlan } from "#infra/checks/storm/plan/make-plan.ts";
import { describeFault, type PlanOptions } from "#infra/checks/storm/plan/plan.ts";

const options = (over: Partial<PlanOptions> = {}): PlanOptions => ({
  seed: 5,
  callers: 100,
  store: "upstash",
  edges: null,
  without: [],
  ...over,
});

describe("a plan", () => {
  test("follows from its seed", () => {
    expect(makePlan(options())).toEqual(makePlan(options()));
    expect(makePlan(options({ seed: 6 })).callers).not.toEqual(makePlan(options()).callers);
  });

  test("of fewer callers has the first of the same callers, with the same calls", () => {
    const many = makePlan(options({ callers: 200 })).callers.slice(0, 60);
    const few = makePlan(options({ callers: 60 })).callers;
    expect(few.map(({ calls, org, edge }) => ({ calls, org, edge }))).toEqual(
      many.map(({ calls, org, edge }) => ({ calls, org, edge })),
    );
  });

  test("without a fault has the other faults, unchanged", () => {
    const seed =
      Array.from({ length: 40 }, (_, index) => index).find(
        (candidate) => makePlan(options({ seed: candidate })).faults.length === 3,
      ) ?? 0;
    const all = makePlan(options({ seed })).faults;
    expect(makePlan(options({ seed, without: [2] })).faults).toEqual([all[0], all[2]]);
  });

  test("has calls that are left, streams and whole answers, long ones, and orgs of every kind", () => {
    const plan = makePlan(options({ callers: 400 }));
    const calls = plan.callers.flatMap((caller) => caller.calls);
    expect(calls.some(({ leavesAfter }) => leavesAfter !== null)).toBe(true);
    expect(new Set(calls.map(({ isStream }) => isStream)).size).toBe(2);
    expect(calls.some(({ tokens }) => tokens > 256)).toBe(true);
    expect(new Set(plan.callers.map(({ org }) => org)).size).toBe(plan.orgs.length);
    expect(new Set(plan.orgs.map(({ kind }) => kind)).size).toBe(plan.orgs.length);
  });

  test("asks for more than each limited org may have", () => {
    const { orgs, callers } = makePlan(options({ callers: 400 }));
    const listCallers = (kind: string) => callers.filter(({ org }) => orgs[org]?.kind === kind);
    expect(listCallers("minute").length).toBeGreaterThan(
      2 * (orgs.find(({ kind }) => kind === "minute")?.limits.requestsPerMinute ?? Infinity),
    );
    expect(listCallers("key").filter(({ isNarrow }) => isNarrow).length).toBeGreaterThan(
      2 * (orgs.find(({ kind }) => kind === "key")?.narrowKey ?? Infinity),
    );
    const tokens = listCallers("tokens")
      .flatMap(({ calls }) => calls)
      .reduce((sum, call) => sum + call.tokens, 0);
    expect(tokens).toBeGreaterThan(orgs.find(({ kind }) => kind === "tokens")?.limits.tokensPerMonth ?? Infinity);
  });

  test("lets callers of one idempotency key say the same", () => {
    const calls = makePlan(options({ callers: 400 }))
      .callers.flatMap((caller) => caller.calls)
      .filter(({ again }) => again !== null);
    const byKey = Map.groupBy(calls, ({ again }) => again);
    expect(byKey.size).toBeGreaterThan(5);
    for (const same of byKey.values()) {
      expect(same.length).toBeGreaterThan(1);
      expect(new Set(same.map((call) => JSON.stringify(call))).size).toBe(1);
    }
  });
});

describe("the faults of twenty seeds", () => {
  test.each(["durable-object", "upstash"] as const)("strike at every place where something can die (%s)", (store) => {
    const faults = Array.from({ length: 20 }, (_, index) => makePlan(options({ seed: index + 1, store })).faults);
    const places = new Set(faults.flat().map(({ kind, when }) => `${kind} ${when.moment} ${when.afterMs}`));
    expect(
      listPoints(store)
        .map(([kind, moment, afterMs]) => `${kind} ${moment} ${afterMs}`)
        .filter((place) => !places.has(place)),
    ).toEqual([]);
    expect(faults[0]).toEqual([]);
    if (store === "durable-object") expect([...places].filter((place) => place.includes("redis"))).toEqual([]);
  });

  test("hit only edges that callers knock at", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const plan = makePlan(options({ seed }));
      const hit = plan.faults.filter(({ kind }) => kind === "kill-edge" || kind === "cut-redis");
      expect(
        hit.every(({ target }) => target < plan.edges),
        plan.faults.map(describeFault).join("; "),
      ).toBe(true);
    }
  });
});
