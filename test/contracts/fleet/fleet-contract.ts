import { describe, expect, test } from "vitest";
import type { NodeRecord } from "#edge/agreements/records/node.ts";
import type { AttemptEnd, Fleet, NodeView } from "#edge/fleet/port.ts";
import { breakerOpenMs } from "#edge/limits.ts";
import { heartbeatOf, nodeOf } from "#test/support/fakes/fleet.ts";

/** Opens the fleets of several edges over heartbeats that they share, and that no other test has touched. */
export type OpenFleets = () => (nodes: readonly NodeRecord[]) => Fleet;

const t0 = 1_800_000_000_000;
const load = { running: 3, waiting: 1, kvUsed: 0.5, heldTokens: 100 };
const callMax = { sequences: 24, tokens: 1_200 };

/** Every promise of `Fleet`, for any adapter that keeps it. */
export function fleetContract(adapter: string, openFleets: OpenFleets): void {
  const open = (...names: string[]) => {
    const nodes = (names.length ? names : ["a", "b"]).map((name) => nodeOf(name));
    const openFleet = openFleets();
    const [fleet, elsewhere] = [openFleet(nodes), openFleet(nodes)];
    const view = (nowMs: number, name = "a"): NodeView => {
      const found = fleet.view(nowMs).find(({ record }) => record.id === `node_${name}`);
      if (!found) throw new Error("no such node");
      return found;
    };
    /** One attempt from beginning to end. */
    const attempt = (end: AttemptEnd, nowMs: number) => {
      fleet.begin("node_a", nowMs);
      fleet.learn("node_a", end, null, nowMs);
      fleet.end("node_a");
    };
    const openBreaker = () => [0, 1, 2].forEach((after) => attempt("failed", t0 - 2 + after));
    return { fleet, elsewhere, view, attempt, openBreaker };
  };

  describe(`${adapter}: the view`, () => {
    test("begins with every configured node, unheard of, idle and trusted", () => {
      const { fleet } = open("a", "b", "c");
      expect(fleet.view(t0).map(({ record }) => record.id)).toEqual(["node_a", "node_b", "node_c"]);
      expect(fleet.view(t0)[0]).toMatchObject({
        state: null,
        heartbeatAgeMs: null,
        load: null,
        kvPoolTokens: null,
        callMax: null,
        inFlight: 0,
        breaker: "closed",
      });
    });

    test("shows a heartbeat with its age by our clock", async () => {
      const { fleet, view } = open();
      await fleet.report(heartbeatOf("node_a", { load, kvPoolTokens: 1_000, callMax }), t0);
      expect(view(t0 + 7_000)).toMatchObject({
        state: "ready",
        heartbeatAgeMs: 7_000,
        load,
        loadAgeMs: 7_000,
        kvPoolTokens: 1_000,
        callMax,
      });
      expect(view(t0, "b").state).toBeNull();
    });

    test("takes the load that came last, by an answer or by a heartbeat", async () => {
      const { fleet, elsewhere, view } = open();
      await fleet.report(heartbeatOf("node_a"), t0);
      fleet.learn("node_a", "answered", load, t0 + 100);
      expect(view(t0 + 150)).toMatchObject({ load, loadAgeMs: 50, heartbeatAgeMs: 150 });
      await elsewhere.report(heartbeatOf("node_a", { sequence: 2 }), t0 + 90);
      await fleet.refresh(t0 + 5_000);
      expect(view(t0 + 5_000)).toMatchObject({ load, heartbeatAgeMs: 4_910 });
      await fleet.report(heartbeatOf("node_a", { sequence: 3, load: { ...load, running: 9 } }), t0 + 6_000);
      fleet.learn("node_a", "answered", null, t0 + 6_500);
      expect(view(t0 + 7_000)).toMatchObject({ load: { running: 9 }, loadAgeMs: 1_000 });
    });

    test("counts calls under way, never below none", () => {
      const { fleet, view } = open();
      fleet.begin("node_a", t0);
      fleet.begin("node_a", t0);
      expect(view(t0).inFlight).toBe(2);
      for (let i = 0; i < 5; i++) fleet.end("node_a");
      expect(view(t0).inFlight).toBe(0);
    });

    test("knows no node but those configured", async () => {
      const { fleet, elsewhere } = open();
      for (const node of ["node_x", "__proto__", "node_aa"]) {
        fleet.begin(node, t0);
        fleet.learn(node, "failed", load, t0);
        fleet.end(node);
        await fleet.report(heartbeatOf(node), t0);
        await elsewhere.report(heartbeatOf(`${node}_else`), t0);
      }
      await fleet.refresh(t0);
      expect(fleet.view(t0).map(({ record, state, load }) => [record.id, state, load])).toEqual([
        ["node_a", null, null],
        ["node_b", null, null],
      ]);
    });

    test("a node that says it drains is draining until it says otherwise", async () => {
      const { fleet, view, attempt } = open();
      await fleet.report(heartbeatOf("node_a"), t0);
      attempt("draining", t0 + 10);
      expect(view(t0 + 20)).toMatchObject({ state: "draining", breaker: "closed" });
      await fleet.refresh(t0 + 2_000);
      expect(view(t0 + 2_000).state).toBe("draining");
      await fleet.report(heartbeatOf("node_a", { sequence: 2 }), t0 + 5_000);
      expect(view(t0 + 5_000).state).toBe("ready");
    });
  });

  describe(`${adapter}: refreshing`, () => {
    test("learns what other edges heard, once a second, however often it is read", async () => {
      const { fleet, elsewhere, view } = open();
      await elsewhere.report(heartbeatOf("node_b", { state: "warming" }), t0 - 500);
      expect(view(t0, "b").state).toBeNull();
      const refreshes = Array.from({ length: 50 }, () => fleet.refresh(t0));
      expect(refreshes.filter((refresh) => refresh !== null)).toHaveLength(1);
      await Promise.all(refreshes);
      expect(view(t0, "b")).toMatchObject({ state: "warming", heartbeatAgeMs: 500 });
      expect(fleet.refresh(t0 + 999)).toBeNull();
      await elsewhere.report(heartbeatOf("node_b", { sequence: 2 }), t0 + 1_000);
      await fleet.refresh(t0 + 1_000);
      expect(view(t0 + 1_000, "b")).toMatchObject({ state: "ready", heartbeatAgeMs: 0 });
    });
  });

  describe(`${adapter}: a report`, () => {
    const late: [string, Parameters<typeof heartbeatOf>[1]][] = [
      ["out of order within its boot", { sequence: 4, state: "ready" }],
      ["sent twice", { sequence: 5, state: "ready" }],
      ["from an earlier boot", { bootId: "boot-0", bootedAtMs: 500, sequence: 99, state: "ready" }],
    ];
    for (const [name, over] of late) {
      test(`that is ${name} is ignored here and elsewhere`, async () => {
        const { fleet, elsewhere, view } = open();
        await fleet.report(heartbeatOf("node_a", { sequence: 5, state: "draining" }), t0);
        await fleet.report(heartbeatOf("node_a", over), t0 + 100);
        expect(view(t0 + 100)).toMatchObject({ state: "draining", heartbeatAgeMs: 100 });
        await elsewhere.refresh(t0 + 100);
        expect(elsewhere.view(t0 + 100)[0]).toMatchObject({ state: "draining", heartbeatAgeMs: 100 });
      });
    }

    test("from a later boot counts here and elsewhere, though its sequence begins anew", async () => {
      const { fleet, elsewhere, view } = open();
      await fleet.report(heartbeatOf("node_a", { sequence: 900, state: "draining" }), t0);
      const reborn = heartbeatOf("node_a", { bootId: "boot-2", bootedAtMs: 2_000, sequence: 0, state: "warming" });
      await fleet.report(reborn, t0 + 100);
      await elsewhere.refresh(t0 + 100);
      expect([view(t0 + 100).state, elsewhere.view(t0 + 100)[0]?.state]).toEqual(["warming", "warming"]);
    });
  });

  describe(`${adapter}: the breaker`, () => {
    test("opens at the third failure in a row, for that node and this edge alone", () => {
      const { elsewhere, view, attempt } = open();
      for (const end of ["failed", "failed", "answered", "failed", "failed"] as const) attempt(end, t0);
      expect(view(t0).breaker).toBe("closed");
      attempt("failed", t0);
      expect([view(t0).breaker, view(t0, "b").breaker]).toEqual(["open", "closed"]);
      expect(view(t0 + breakerOpenMs - 1).breaker).toBe("open");
      expect(elsewhere.view(t0)[0]?.breaker).toBe("closed");
    });

    test("lets one call probe after 30 s, which closes it or opens it anew", () => {
      const { fleet, view, attempt, openBreaker } = open();
      openBreaker();
      const later = t0 + breakerOpenMs;
      expect(view(later).breaker).toBe("probing");
      fleet.begin("node_a", later);
      expect(view(later).breaker).toBe("open");
      fleet.learn("node_a", "failed", null, later);
      expect(view(later + breakerOpenMs - 1).breaker).toBe("open");
      attempt("answered", later + breakerOpenMs);
      expect(view(later + breakerOpenMs).breaker).toBe("closed");
    });

    test("may be probed early once a heartbeat, newer than its opening, says that the node is ready", async () => {
      const { fleet, elsewhere, view, openBreaker } = open();
      openBreaker();
      await elsewhere.report(heartbeatOf("node_a"), t0 - 100);
      await fleet.refresh(t0 + 1_000);
      expect(view(t0 + 1_000)).toMatchObject({ state: "ready", breaker: "open" });
      await fleet.report(heartbeatOf("node_a", { sequence: 2, state: "warming" }), t0 + 1_100);
      expect(view(t0 + 1_100).breaker).toBe("open");
      await elsewhere.report(heartbeatOf("node_a", { sequence: 3 }), t0 + 2_000);
      await fleet.refresh(t0 + 2_000);
      expect(view(t0 + 2_000).breaker).toBe("probing");
    });
  });
}
