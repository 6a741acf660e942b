import { describe, expect, test } from "vitest";
import { durableObjectFleet } from "#edge/adapters/durable-object/fleet/fleet.ts";
import type { FleetObject, HeardHeartbeat } from "#edge/adapters/durable-object/fleet/fleet-object.ts";
import { breakerOpenMs } from "#edge/limits.ts";
import type { AttemptEnd, NodeView } from "#edge/routing/port.ts";
import { heartbeatOf, nodeOf } from "#test/support/fakes/fleet.ts";

const t0 = 1_800_000_000_000;
const load = { running: 3, waiting: 1, kvUsed: 0.5, heldTokens: 100 };

/** A Fleet object that hands out what the test puts in, and counts how often it is read. */
function fakeObject() {
  const object = { heard: [] as HeardHeartbeat[], told: [] as HeardHeartbeat[], reads: 0, isDown: false };
  const stub = {
    async heard() {
      object.reads++;
      if (object.isDown) throw new Error("out of reach");
      return object.heard;
    },
    async report(report: HeardHeartbeat) {
      if (object.isDown) throw new Error("out of reach");
      object.told.push(report);
    },
  };
  const names: string[] = [];
  const namespace = {
    idFromName: (name: string) => void names.push(name),
    get: () => stub,
  } as unknown as DurableObjectNamespace<FleetObject>;
  return { object, namespace, names };
}

function openFleet(...names: string[]) {
  const fake = fakeObject();
  const fleet = durableObjectFleet(
    fake.namespace,
    (names.length ? names : ["a", "b"]).map((name) => nodeOf(name)),
  );
  const view = (nowMs: number, name = "a"): NodeView => {
    const found = fleet.view(nowMs).find(({ record }) => record.id === `node_${name}`);
    if (!found) throw new Error("no such node");
    return found;
  };
  /** One attempt from beginning to end. */
  const attempt = (end: AttemptEnd, nowMs: number, node = "node_a") => {
    fleet.begin(node, nowMs);
    fleet.learn(node, end, null, nowMs);
    fleet.end(node);
  };
  const opened = (nowMs = t0) => [0, 1, 2].forEach((after) => attempt("failed", nowMs - 2 + after));
  return { ...fake, fleet, view, attempt, opened };
}

describe("the view", () => {
  test("begins with every configured node, unheard of, idle and trusted", () => {
    const { fleet } = openFleet("a", "b", "c");
    expect(fleet.view(t0).map(({ record }) => record.id)).toEqual(["node_a", "node_b", "node_c"]);
    expect(fleet.view(t0)[0]).toMatchObject({
      state: null,
      heartbeatAgeMs: null,
      load: null,
      kvPoolTokens: null,
      inFlight: 0,
      breaker: "closed",
    });
  });

  test("shows a heartbeat with its age by our clock", async () => {
    const { fleet, view } = openFleet();
    await fleet.report(heartbeatOf("node_a", { load, kvPoolTokens: 1_000 }), t0);
    expect(view(t0 + 7_000)).toMatchObject({
      state: "ready",
      heartbeatAgeMs: 7_000,
      load,
      loadAgeMs: 7_000,
      kvPoolTokens: 1_000,
    });
    expect(view(t0, "b").state).toBeNull();
  });

  test("takes the load that came last, by an answer or by a heartbeat", async () => {
    const { fleet, view, object } = openFleet();
    await fleet.report(heartbeatOf("node_a"), t0);
    fleet.learn("node_a", "answered", load, t0 + 100);
    expect(view(t0 + 150)).toMatchObject({ load, loadAgeMs: 50, heartbeatAgeMs: 150 });
    object.heard = [{ heartbeat: heartbeatOf("node_a", { sequence: 2 }), heardAtMs: t0 + 90 }];
    await fleet.refresh(t0 + 5_000);
    expect(view(t0 + 5_000).load).toEqual(load);
    await fleet.report(heartbeatOf("node_a", { sequence: 3, load: { ...load, running: 9 } }), t0 + 6_000);
    fleet.learn("node_a", "answered", null, t0 + 6_500);
    expect(view(t0 + 7_000)).toMatchObject({ load: { running: 9 }, loadAgeMs: 1_000 });
    fleet.learn("node_a", "answered", load, t0 + 8_000);
    await fleet.report(heartbeatOf("node_a", { sequence: 4 }), t0 + 8_000);
    expect(view(t0 + 8_000).load).toEqual(load);
  });

  test("counts calls under way, never below none", () => {
    const { fleet, view } = openFleet();
    fleet.begin("node_a", t0);
    fleet.begin("node_a", t0);
    expect(view(t0).inFlight).toBe(2);
    for (let i = 0; i < 5; i++) fleet.end("node_a");
    expect(view(t0).inFlight).toBe(0);
  });

  test("knows no node but those configured", async () => {
    const { fleet, object } = openFleet();
    for (const node of ["node_x", "__proto__", "node_aa"]) {
      fleet.begin(node, t0);
      fleet.learn(node, "failed", load, t0);
      fleet.end(node);
      await fleet.report(heartbeatOf(node), t0);
    }
    object.heard = [{ heartbeat: heartbeatOf("node_x"), heardAtMs: t0 }];
    await fleet.refresh(t0);
    expect(fleet.view(t0)).toHaveLength(2);
  });

  test("a node that says it drains is draining until it says otherwise", async () => {
    const { fleet, view, attempt, object } = openFleet();
    await fleet.report(heartbeatOf("node_a"), t0);
    attempt("draining", t0 + 10);
    expect(view(t0 + 20)).toMatchObject({ state: "draining", breaker: "closed" });
    object.heard = [{ heartbeat: heartbeatOf("node_a"), heardAtMs: t0 }];
    await fleet.refresh(t0 + 2_000);
    expect(view(t0 + 2_000).state).toBe("draining");
    await fleet.report(heartbeatOf("node_a", { sequence: 2 }), t0 + 5_000);
    expect(view(t0 + 5_000).state).toBe("ready");
  });
});

describe("refreshing", () => {
  test("reads the one Fleet object at most once a second, however often it is asked, at once or in turn", async () => {
    const { fleet, object, names } = openFleet();
    await Promise.all(Array.from({ length: 50 }, () => fleet.refresh(t0)));
    await fleet.refresh(t0 + 999);
    expect(object.reads).toBe(1);
    await fleet.refresh(t0 + 1_000);
    expect(object.reads).toBe(2);
    expect(new Set(names)).toEqual(new Set(["fleet"]));
  });

  test("rejects when the object is out of reach, keeps the view, and tries again a second later", async () => {
    const { fleet, object, view } = openFleet();
    await fleet.report(heartbeatOf("node_a"), t0);
    object.isDown = true;
    await expect(fleet.refresh(t0 + 2_000)).rejects.toThrow();
    await fleet.refresh(t0 + 2_500);
    expect(view(t0 + 2_500)).toMatchObject({ state: "ready", heartbeatAgeMs: 2_500 });
    object.isDown = false;
    await fleet.refresh(t0 + 3_000);
    expect(object.reads).toBe(2);
  });

  test("learns what other isolates heard", async () => {
    const { fleet, object, view } = openFleet();
    object.heard = [{ heartbeat: heartbeatOf("node_b", { state: "warming" }), heardAtMs: t0 - 500 }];
    await fleet.refresh(t0);
    expect(view(t0, "b")).toMatchObject({ state: "warming", heartbeatAgeMs: 500 });
  });

  test("does not put an older report over a newer one", async () => {
    const { fleet, object, view } = openFleet();
    await fleet.report(heartbeatOf("node_a", { sequence: 5, state: "draining" }), t0);
    object.heard = [{ heartbeat: heartbeatOf("node_a", { sequence: 4 }), heardAtMs: t0 - 5_000 }];
    await fleet.refresh(t0 + 2_000);
    expect(view(t0 + 2_000)).toMatchObject({ state: "draining", heartbeatAgeMs: 2_000 });
  });
});

describe("a report", () => {
  test("is told to the object, with the time it was heard", async () => {
    const { fleet, object } = openFleet();
    await fleet.report(heartbeatOf("node_a"), t0);
    expect(object.told).toEqual([{ heartbeat: heartbeatOf("node_a"), heardAtMs: t0 }]);
  });

  const late: [string, Parameters<typeof heartbeatOf>[1]][] = [
    ["out of order within its boot", { sequence: 4, state: "ready" }],
    ["said twice", { sequence: 5, state: "ready" }],
    ["of an earlier boot", { bootId: "boot-0", bootedAtMs: 500, sequence: 99, state: "ready" }],
  ];
  for (const [name, over] of late) {
    test(`that is ${name} is ignored here as in the object`, async () => {
      const { fleet, view } = openFleet();
      await fleet.report(heartbeatOf("node_a", { sequence: 5, state: "draining" }), t0);
      await fleet.report(heartbeatOf("node_a", over), t0 + 100);
      expect(view(t0 + 100).state).toBe("draining");
    });
  }

  test("of a later boot counts, though its sequence begins anew", async () => {
    const { fleet, view } = openFleet();
    await fleet.report(heartbeatOf("node_a", { sequence: 900, state: "draining" }), t0);
    await fleet.report(
      heartbeatOf("node_a", { bootId: "boot-2", bootedAtMs: 2_000, sequence: 0, state: "warming" }),
      t0 + 100,
    );
    expect(view(t0 + 100).state).toBe("warming");
  });
});

describe("the breaker", () => {
  test("opens at the third failure in a row, for that node alone", () => {
    const { view, attempt } = openFleet();
    attempt("failed", t0);
    attempt("failed", t0);
    expect(view(t0).breaker).toBe("closed");
    attempt("failed", t0);
    expect(view(t0).breaker).toBe("open");
    expect(view(t0 + breakerOpenMs - 1).breaker).toBe("open");
    expect(view(t0, "b").breaker).toBe("closed");
  });

  test("does not add up failures with an answer between them", () => {
    const { view, attempt } = openFleet();
    for (let turn = 0; turn < 5; turn++) for (const end of ["failed", "failed", "answered"] as const) attempt(end, t0);
    expect(view(t0).breaker).toBe("closed");
  });

  test("lets one call probe after 30 s, and holds back the others while it does", () => {
    const { fleet, view, opened } = openFleet();
    opened();
    const later = t0 + breakerOpenMs;
    expect(view(later).breaker).toBe("probing");
    fleet.begin("node_a", later);
    expect(view(later).breaker).toBe("open");
    expect(view(later + 10_000).breaker).toBe("open");
  });

  test("is still held back when a second call that was ranked before slips in beside the probe", () => {
    const { fleet, view, opened } = openFleet();
    opened();
    const later = t0 + breakerOpenMs;
    fleet.begin("node_a", later);
    fleet.begin("node_a", later + 1);
    expect(view(later + 2).breaker).toBe("open");
  });

  test("does not take for the probe a call that was let through while it was open", () => {
    const { fleet, view, opened } = openFleet();
    opened();
    fleet.begin("node_a", t0 + 1);
    expect(view(t0 + breakerOpenMs).breaker).toBe("probing");
  });

  test("closes when the probe is answered, and opens again for 30 s when it fails", () => {
    const { view, attempt, opened } = openFleet();
    opened();
    const later = t0 + breakerOpenMs;
    attempt("failed", later);
    expect(view(later + breakerOpenMs - 1).breaker).toBe("open");
    attempt("answered", later + breakerOpenMs);
    expect(view(later + breakerOpenMs).breaker).toBe("closed");
    attempt("failed", later + breakerOpenMs);
    expect(view(later + breakerOpenMs).breaker).toBe("closed");
  });

  test("may be probed early once a heartbeat, newer than its opening, says that the node is ready", async () => {
    const { fleet, view, opened } = openFleet();
    opened();
    await fleet.report(heartbeatOf("node_a", { state: "warming" }), t0 + 1_000);
    expect(view(t0 + 1_000).breaker).toBe("open");
    await fleet.report(heartbeatOf("node_a", { sequence: 2 }), t0 + 2_000);
    expect(view(t0 + 2_000).breaker).toBe("probing");
    fleet.begin("node_a", t0 + 2_000);
    expect(view(t0 + 2_000).breaker).toBe("open");
  });

  test("is not impressed by a heartbeat from before it opened", async () => {
    const { fleet, view, opened, object } = openFleet();
    opened();
    object.heard = [{ heartbeat: heartbeatOf("node_a"), heardAtMs: t0 - 100 }];
    await fleet.refresh(t0 + 1_000);
    expect(view(t0 + 1_000).breaker).toBe("open");
    await fleet.report(heartbeatOf("node_a", { sequence: 2 }), t0);
    expect(view(t0 + 1_000).breaker).toBe("open");
  });

  test("stays open when a heartbeat comes while the probe is under way", async () => {
    const { fleet, view, opened } = openFleet();
    opened();
    fleet.begin("node_a", t0 + breakerOpenMs);
    await fleet.report(heartbeatOf("node_a", { sequence: 2 }), t0 + breakerOpenMs + 100);
    expect(view(t0 + breakerOpenMs + 100).breaker).toBe("open");
  });

  test("is not moved by an aborted attempt, and an aborted probe lets the next one try", () => {
    const { view, attempt, opened } = openFleet();
    for (let turn = 0; turn < 5; turn++) attempt("aborted", t0);
    expect(view(t0).breaker).toBe("closed");
    for (const end of ["failed", "failed", "aborted", "failed"] as const) attempt(end, t0);
    expect(view(t0).breaker).toBe("open");
    opened();
    attempt("aborted", t0 + breakerOpenMs);
    expect(view(t0 + breakerOpenMs).breaker).toBe("probing");
  });

  test("takes a node's draining for honesty, not for a failure", () => {
    const { view, attempt } = openFleet();
    for (let turn = 0; turn < 5; turn++) attempt("draining", t0);
    expect(view(t0).breaker).toBe("closed");
  });
});
