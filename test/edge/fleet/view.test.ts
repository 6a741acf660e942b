import { expect, test } from "vitest";
import { createMemory, learnAttempt, learnBegin, learnHeartbeat, makeView } from "#edge/fleet/view.ts";
import { breakerOpenMs } from "#edge/limits.ts";
import { heartbeatOf, nodeOf } from "#test/support/fakes/fleet.ts";

const t0 = 1_800_000_000_000;
const load = { running: 3, waiting: 1, kvUsed: 0.5, heldTokens: 100 };
const node = () => createMemory(nodeOf("a"));
const heard = (over: Parameters<typeof heartbeatOf>[1], heardAtMs: number) => ({
  heartbeat: heartbeatOf("node_a", over),
  heardAtMs,
});

test("an older heartbeat is not put over a newer one, however late it comes", () => {
  const memory = node();
  learnHeartbeat(memory, heard({ sequence: 5, state: "draining" }, t0));
  learnHeartbeat(memory, heard({ sequence: 4, load }, t0 + 500));
  expect(makeView(memory, t0 + 2_000)).toMatchObject({
    state: "draining",
    heartbeatAgeMs: 2_000,
    load: { running: 0 },
  });
});

test("of a load in a heartbeat and one with an answer the newer counts, and of the same ms the answer's", () => {
  const memory = node();
  learnAttempt(memory, "answered", load, t0);
  learnHeartbeat(memory, heard({ sequence: 1 }, t0));
  expect(makeView(memory, t0)).toMatchObject({ load, loadAgeMs: 0, state: "ready" });
  learnHeartbeat(memory, heard({ sequence: 2 }, t0 + 1));
  expect(makeView(memory, t0 + 5)).toMatchObject({ load: { running: 0 }, loadAgeMs: 4 });
  learnAttempt(memory, "failed", null, t0 + 9);
  expect(makeView(memory, t0 + 9)).toMatchObject({ load: { running: 0 }, loadAgeMs: 8 });
});

test("a heartbeat opens the way for a probe only when it says that the node is ready", () => {
  const memory = node();
  for (let i = 0; i < 3; i++) {
    learnBegin(memory, t0);
    learnAttempt(memory, "failed", null, t0);
  }
  expect(makeView(memory, t0)).toMatchObject({ breaker: "open", inFlight: 3 });
  for (const [sequence, state] of [
    [1, "warming"],
    [2, "unhealthy"],
    [3, "draining"],
  ] as const)
    learnHeartbeat(memory, heard({ sequence, state }, t0 + sequence));
  expect(makeView(memory, t0 + 10).breaker).toBe("open");
  learnHeartbeat(memory, heard({ sequence: 4 }, t0 + 10));
  expect(makeView(memory, t0 + 10).breaker).toBe("probing");
  learnBegin(memory, t0 + 10);
  expect(makeView(memory, t0 + breakerOpenMs * 2).breaker).toBe("open");
});

test("a node that was never heard of may be known to drain by nothing but its heartbeats", () => {
  const memory = node();
  learnAttempt(memory, "draining", load, t0);
  expect(makeView(memory, t0)).toMatchObject({ state: null, load, breaker: "closed" });
});
