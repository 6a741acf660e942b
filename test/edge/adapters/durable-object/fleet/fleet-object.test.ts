import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { FleetObject } from "#edge/adapters/durable-object/fleet/fleet-object.ts";
import { heartbeatOf } from "#test/support/fakes/fleet.ts";

const t0 = 1_800_000_000_000;
let objects = 0;
/** A Fleet object of its own for each test, in a real workerd. */
function fleetObject() {
  const { FLEET } = env as unknown as { FLEET: DurableObjectNamespace<FleetObject> };
  return FLEET.get(FLEET.idFromName(`test ${objects++}`));
}

describe("the Fleet object", () => {
  test("keeps the last heartbeat of each node, with the time it was heard", async () => {
    const object = fleetObject();
    expect(await object.heard()).toEqual([]);
    await object.report({ heartbeat: heartbeatOf("node_a"), heardAtMs: t0 });
    await object.report({ heartbeat: heartbeatOf("node_b"), heardAtMs: t0 + 1 });
    await object.report({ heartbeat: heartbeatOf("node_a", { sequence: 2 }), heardAtMs: t0 + 2 });
    expect(await object.heard()).toEqual([
      { heartbeat: heartbeatOf("node_a", { sequence: 2 }), heardAtMs: t0 + 2 },
      { heartbeat: heartbeatOf("node_b"), heardAtMs: t0 + 1 },
    ]);
  });

  test("ignores what comes late: an earlier or the same sequence of a boot, or an earlier boot", async () => {
    const object = fleetObject();
    const last = { heartbeat: heartbeatOf("node_a", { sequence: 5 }), heardAtMs: t0 };
    await object.report(last);
    for (const late of [{ sequence: 5 }, { sequence: 4 }, { bootId: "boot-0", bootedAtMs: 500, sequence: 99 }]) {
      await object.report({ heartbeat: heartbeatOf("node_a", { ...late, state: "draining" }), heardAtMs: t0 + 1 });
    }
    expect(await object.heard()).toEqual([last]);
  });

  test("takes a later boot, though its sequence begins anew", async () => {
    const object = fleetObject();
    await object.report({ heartbeat: heartbeatOf("node_a", { sequence: 900 }), heardAtMs: t0 });
    await object.report({
      heartbeat: heartbeatOf("node_a", { bootId: "boot-2", bootedAtMs: 2_000, sequence: 0 }),
      heardAtMs: t0 + 1,
    });
    expect((await object.heard())[0]?.heartbeat).toMatchObject({ bootId: "boot-2", sequence: 0 });
  });
});
