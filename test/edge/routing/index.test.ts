import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NodeView } from "#edge/fleet/port.ts";
import { memoryFleet } from "#edge/adapters/memory/fleet.ts";
import { Heartbeats } from "#edge/fleet/heartbeats.ts";
import { rank, rankNodes, type Wanted } from "#edge/routing/index.ts";
import { heartbeatOf, nodeOf, servedModel, viewOf } from "#test/support/fakes/fleet.ts";
import { chatModel } from "#test/support/fakes/models.ts";
import { startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const wanted: Wanted = {
  model: servedModel,
  tier: "shared",
  gpuSeconds: 2,
  org: "org_0123456789",
  affinity: "You are a helpful assistant.",
};
const namesOf = (views: NodeView[]) => views.map(({ record }) => record.id.slice(5));
const ranked = (views: NodeView[], over: Partial<Wanted> = {}, random = () => 0) =>
  namesOf(rank(views, { ...wanted, ...over }, random));
const busy = (running: number, over: Partial<NodeView> = {}): Partial<NodeView> => ({
  load: { running, waiting: 0, kvUsed: 0, heldTokens: 0 },
  loadAgeMs: 0,
  ...over,
});
const complex = { tier: "complex" as const };

describe("who may serve", () => {
  const out: [string, Partial<NodeView>][] = [
    ["starting", { state: "starting" }],
    ["warming", { state: "warming" }],
    ["draining", { state: "draining" }],
    ["unhealthy", { state: "unhealthy" }],
    ["sleeping", { state: "sleeping" }],
    ["stale by a minute while others are fresh", { heartbeatAgeMs: 60_000 }],
    ["behind an open breaker", { breaker: "open" }],
  ];
  for (const [name, over] of out)
    test(`a node that is ${name} does not`, () => expect(ranked([viewOf("a"), viewOf("b", over)])).toEqual(["a"]));

  test("a node without the model does not, in either tier", () => {
    expect(
      ranked([viewOf("a", {}, { models: ["other"] }), viewOf("b", {}, { models: ["other"], tier: "complex" })]),
    ).toEqual([]);
  });

  test("a node that was not heard of yet, or is to be probed, may", () => {
    expect(ranked([viewOf("a"), viewOf("b", { state: null, heartbeatAgeMs: null, load: null })]).toSorted()).toEqual([
      "a",
      "b",
    ]);
    expect(ranked([viewOf("a", { breaker: "probing" })])).toEqual(["a"]);
  });

  test("nobody does when there is nobody, or all are known not to be ready", () => {
    expect(ranked([])).toEqual([]);
    expect(
      ranked([viewOf("a", { state: "draining" }), viewOf("b", { state: "unhealthy", heartbeatAgeMs: 90_000 })]),
    ).toEqual([]);
  });

  test("all that the breaker allows do when every heartbeat is stale", () => {
    const stale = { heartbeatAgeMs: 60_000 };
    expect(
      ranked([
        viewOf("a", stale),
        viewOf("b", { ...stale, state: "unhealthy" }),
        viewOf("c", { ...stale, breaker: "open" }),
      ]).toSorted(),
    ).toEqual(["a", "b"]);
  });
});

describe("the other tier", () => {
  test("a complex call prefers its own nodes and may fall back on shared ones", () => {
    expect(ranked([viewOf("a"), viewOf("x", {}, complex)], complex)).toEqual(["x", "a"]);
    expect(ranked([viewOf("a")], complex)).toEqual(["a"]);
    expect(ranked([viewOf("a"), viewOf("x", { breaker: "open" }, complex)], complex)).toEqual(["a"]);
  });

  const load = (kvUsed: number, heldTokens: number) => ({ load: { running: 1, waiting: 0, kvUsed, heldTokens } });
  const borrowed: [string, Partial<NodeView>, boolean][] = [
    ["idle", load(0, 0), true],
    ["below half use", load(0.499, 48_000), true],
    ["at half of its pool", load(0.5, 0), false],
    ["at half by what is held", load(0, 48_400), false],
    ["at half of a pool that it did not tell", { ...load(0.5, 0), kvPoolTokens: null }, false],
    ["silent about its load", { load: null }, true],
  ];
  for (const [name, over, may] of borrowed) {
    test(`a shared call ${may ? "borrows" : "avoids"} a dedicated node that is ${name}, never before its own`, () => {
      expect(ranked([viewOf("x", over, complex), viewOf("a", busy(40))])).toEqual(may ? ["a", "x"] : ["a"]);
    });
  }

  test("a shared call without a node of its own takes a dedicated one, however full", () => {
    expect(ranked([viewOf("x", load(0.99, 96_000), complex)])).toEqual(["x"]);
  });
});

describe("a wait", () => {
  // Three that wait, of two seconds of GPU each like the call itself: six seconds; the target is five.
  const queue = (waiting: number, over: Partial<NodeView> = {}): Partial<NodeView> => ({
    load: { running: 8, waiting, kvUsed: 0.3, heldTokens: 0 },
    loadAgeMs: 0,
    ...over,
  });

  test("beyond the target sends a complex call to a shared node first, and keeps its own behind", () => {
    expect(ranked([viewOf("a"), viewOf("x", queue(2), complex)], complex)).toEqual(["x", "a"]);
    expect(ranked([viewOf("a"), viewOf("x", queue(3), complex)], complex)).toEqual(["a", "x"]);
  });

  test("sends a shared call to a dedicated node only if that is below half use", () => {
    expect(ranked([viewOf("a", queue(3)), viewOf("x", {}, complex)])).toEqual(["x", "a"]);
    expect(
      ranked([
        viewOf("a", queue(3)),
        viewOf("x", queue(0, { load: { running: 1, waiting: 0, kvUsed: 0.5, heldTokens: 0 } }), complex),
      ]),
    ).toEqual(["a"]);
  });

  test("stays within the tier while a node of it is quick", () => {
    expect(ranked([viewOf("a"), viewOf("x", queue(9), complex), viewOf("y", queue(1), complex)], complex)).toEqual([
      "y",
      "a",
      "x",
    ]);
  });

  test("that is as long in the other tier moves nobody", () => {
    expect(ranked([viewOf("a", queue(9)), viewOf("x", queue(3), complex)], complex)).toEqual(["x", "a"]);
  });

  test("counts by the call's own size, and a report by its age", () => {
    expect(ranked([viewOf("a"), viewOf("x", queue(2), complex)], { ...complex, gpuSeconds: 3 })).toEqual(["a", "x"]);
    expect(ranked([viewOf("a"), viewOf("x", queue(3, { loadAgeMs: 1_000 }), complex)], complex)).toEqual(["x", "a"]);
  });
});

describe("the order", () => {
  const five = (over: Partial<NodeView> = {}) => ["a", "b", "c", "d", "e"].map((name) => viewOf(name, over));
  const prefixes = Array.from({ length: 2_000 }, (_, id) => `prefix ${id}`);

  test("the same prefix of the same org goes to the same node, whatever order the nodes come in", () => {
    for (const affinity of prefixes.slice(0, 100))
      expect(ranked(five(), { affinity })[0]).toBe(ranked(five().toReversed(), { affinity }, () => 0.9)[0]);
  });

  test("prefixes, orgs and models spread evenly over nodes", () => {
    for (const name of ["affinity", "org", "model"] as const) {
      const models = name === "model" ? prefixes : [servedModel];
      const counts = new Map<string, number>();
      for (const value of prefixes) {
        const [first = ""] = ranked(
          ["a", "b", "c", "d", "e"].map((node) => viewOf(node, {}, { models })),
          { [name]: value },
        );
        counts.set(first, (counts.get(first) ?? 0) + 1);
      }
      expect(counts.size).toBe(5);
      for (const count of counts.values()) expect(Math.abs(count - 400), `${name}: ${[...counts]}`).toBeLessThan(120);
    }
  });

  test("a node that leaves moves only its own prefixes", () => {
    const before = prefixes.map((affinity) => ranked(five(), { affinity })[0]);
    const after = prefixes.map(
      (affinity) =>
        ranked(
          five().filter(({ record }) => record.id !== "node_c"),
          { affinity },
        )[0],
    );
    for (const [at, first] of before.entries()) if (first !== "c") expect(after[at]).toBe(first);
    expect(new Set(after.filter((_, at) => before[at] === "c")).size).toBe(4);
  });

  test("the favourite carries at most 1.25 times the mean and one call more, then a less loaded one serves", () => {
    const [favourite = ""] = ranked(five());
    const withFavourite = (running: number) =>
      five().map((view) => ({ ...view, ...busy(view.record.id === `node_${favourite}` ? running : 10) }));
    expect(ranked(withFavourite(14))[0]).toBe(favourite);
    for (const random of [0, 0.25, 0.5, 0.75, 0.999_999, 1])
      expect(ranked(withFavourite(40), {}, () => random)).toHaveLength(5);
    const spread = new Set(
      Array.from(
        { length: 200 },
        (_, turn) => ranked(withFavourite(40), {}, () => ((turn * 7_919) % 1_000) / 1_000)[0],
      ),
    );
    expect(spread.size).toBeGreaterThan(2);
  });

  test("a node that this isolate has just filled counts as loaded though its report is old", () => {
    const [favourite = ""] = ranked(five());
    const views = five({ loadAgeMs: 10_000 }).map((view) => ({
      ...view,
      inFlight: view.record.id === `node_${favourite}` ? 30 : 0,
    }));
    const others = ["a", "b", "c", "d", "e"].flatMap((name, at) => (name === favourite ? [] : [at / 5]));
    for (const random of others) expect(ranked(views, {}, () => random)[0]).not.toBe(favourite);
  });

  test("behind the first, nodes stand by load", () => {
    const views = [viewOf("a", busy(5)), viewOf("b", busy(1)), viewOf("c", busy(9)), viewOf("d", busy(3))];
    const order = ranked(views);
    const rest = ["b", "d", "a", "c"].filter((name) => name !== order[0]);
    expect(order.slice(1)).toEqual(rest);
  });

  test("everybody eligible is ranked once, and nobody else, whatever is reported", () => {
    const view = fc.record({
      name: fc.constantFrom("a", "b", "c", "d", "e", "f"),
      tier: fc.constantFrom("shared", "complex"),
      running: fc.nat({ max: 1_000 }),
      kvUsed: fc.double({ min: 0, max: 1, noNaN: true }),
      age: fc.integer({ min: -10_000, max: 1_000_000 }),
      inFlight: fc.nat({ max: 100 }),
      isSilent: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(view, { selector: ({ name }) => name, maxLength: 6 }),
        fc.constantFrom("shared", "complex"),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, tier, random) => {
          const views = all.map(({ name, tier: own, running, kvUsed, age, inFlight, isSilent }) =>
            viewOf(
              name,
              { load: isSilent ? null : { running, waiting: 0, kvUsed, heldTokens: 0 }, loadAgeMs: age, inFlight },
              { tier: own },
            ),
          );
          const names = ranked(views, { tier }, () => random);
          expect(new Set(names).size).toBe(names.length);
          const own = all.filter((one) => one.tier === tier).map(({ name }) => name);
          expect(names.slice(0, own.length).toSorted()).toEqual(own.toSorted());
          if (tier === "complex" || own.length === 0) expect(names).toHaveLength(all.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("the nodes for a call", () => {
  const call = {
    model: chatModel,
    named: { name: "chat", id: chatModel.id },
    affinity: "You are a helpful assistant.",
    path: "/v1/chat/completions" as const,
    prompts: 1,
    choices: 8,
    promptTokensGuess: 10,
    completionTokens: 100,
  };
  const openFleet = (refreshed: Promise<void> | null) => {
    const asked: number[] = [];
    const fleet = {
      ...memoryFleet(new Heartbeats(), [nodeOf("a"), nodeOf("b", { tier: "complex" })]),
      refresh: (nowMs: number) => (asked.push(nowMs), refreshed),
    };
    return { fleet, asked };
  };

  test("are those that serve its model, its tier's first, without a wait for what other edges heard", () => {
    const visit = visitOf();
    const { fleet, asked } = openFleet(new Promise(() => undefined));
    const nodes = (tier: "shared" | "complex") =>
      rankNodes(visit, fleet, call, { org: "org_0123456789", tier, gpuSeconds: 2 }).map(({ id }) => id);
    expect(nodes("complex")).toEqual(["node_b", "node_a"]);
    expect(nodes("shared")).toEqual(["node_a", "node_b"]);
    expect(asked).toEqual([visit.nowMs, visit.nowMs]);
  });

  test("are those alone that take a call of its size; when none does the call is refused", () => {
    const { fleet } = openFleet(null);
    const nodesFor = (takes: [number, number]) => {
      for (const [at, node] of ["node_a", "node_b"].entries())
        void fleet.report(
          heartbeatOf(node, { sequence: ++sequence, callMax: { sequences: takes[at] ?? 0 } }),
          startedAtMs,
        );
      return rankNodes(visitOf(), fleet, call, { org: "org_0123456789", tier: "shared", gpuSeconds: 2 });
    };
    let sequence = 1;
    expect(nodesFor([8, 8]).map(({ id }) => id)).toEqual(["node_a", "node_b"]);
    expect(nodesFor([7, 8]).map(({ id }) => id)).toEqual(["node_b"]);
    // Whoever may not use the model is to hear that there is none.
    expect(() => nodesFor([7, 6])).toThrow(
      expect.objectContaining({ code: "invalid_value", details: expect.objectContaining({ about: call.named }) }),
    );
  });

  test("are ranked all the same when that cannot be read, and the visit hears of it", async () => {
    const visit = visitOf();
    const works: Promise<unknown>[] = [];
    const { fleet } = openFleet(Promise.reject(new Error("out of reach")));
    const kept = { ...visit, afterwards: (work: Promise<unknown>) => void works.push(work) };
    expect(rankNodes(kept, fleet, call, { org: "org_0123456789", tier: "shared", gpuSeconds: 2 })).toHaveLength(2);
    await expect(works[0]).rejects.toThrow("out of reach");
  });
});
