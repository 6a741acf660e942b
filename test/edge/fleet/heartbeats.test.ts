import { expect, test } from "vitest";
import { Heartbeats } from "#edge/fleet/heartbeats.ts";
import { heartbeatOf } from "#test/support/fakes/fleet.ts";

const t0 = 1_800_000_000_000;

test("keeps the last heartbeat of each node, with the time it was heard", () => {
  const heartbeats = new Heartbeats();
  expect(heartbeats.heard()).toEqual([]);
  heartbeats.report({ heartbeat: heartbeatOf("node_a"), heardAtMs: t0 });
  heartbeats.report({ heartbeat: heartbeatOf("node_b"), heardAtMs: t0 + 1 });
  heartbeats.report({ heartbeat: heartbeatOf("node_a", { sequence: 2 }), heardAtMs: t0 + 2 });
  expect(heartbeats.heard()).toEqual([
    { heartbeat: heartbeatOf("node_a", { sequence: 2 }), heardAtMs: t0 + 2 },
    { heartbeat: heartbeatOf("node_b"), heardAtMs: t0 + 1 },
  ]);
});

test("ignores what comes late, and takes a later boot though its sequence begins anew", () => {
  const heartbeats = new Heartbeats();
  const last = { heartbeat: heartbeatOf("node_a", { sequence: 5 }), heardAtMs: t0 };
  heartbeats.report(last);
  for (const late of [{ sequence: 5 }, { sequence: 4 }, { bootId: "boot-0", bootedAtMs: 500, sequence: 99 }])
    heartbeats.report({ heartbeat: heartbeatOf("node_a", { ...late, state: "draining" }), heardAtMs: t0 + 1 });
  expect(heartbeats.heard()).toEqual([last]);
  const reborn = heartbeatOf("node_a", { bootId: "boot-2", bootedAtMs: 2_000, sequence: 0 });
  heartbeats.report({ heartbeat: reborn, heardAtMs: t0 + 2 });
  expect(heartbeats.heard()).toEqual([{ heartbeat: reborn, heardAtMs: t0 + 2 }]);
});
