import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { durableObjectFleet } from "#edge/adapters/durable-object/fleet/fleet.ts";
import type { FleetObject } from "#edge/adapters/durable-object/fleet/fleet-object.ts";
import type { HeardHeartbeat } from "#edge/fleet/port.ts";
import { fleetContract } from "#test/contracts/fleet/fleet-contract.ts";
import { heartbeatOf, nodeOf } from "#test/support/fakes/fleet.ts";

const t0 = 1_800_000_000_000;
const { FLEET } = env as unknown as { FLEET: DurableObjectNamespace<FleetObject> };
let opened = 0;

/** Edges over an object of their own, in a real workerd. */
fleetContract("Durable Object fleet", () => {
  const id = FLEET.idFromName(`fleet of test ${opened++}`);
  const namespace = { idFromName: () => id, get: () => FLEET.get(id) };
  return (nodes) => durableObjectFleet(namespace as unknown as DurableObjectNamespace<FleetObject>, nodes);
});

/** A Fleet object that may be down, and that counts what reaches it. */
function openOver() {
  const object = { reported: [] as HeardHeartbeat[], reads: 0, isDown: false };
  const reach = () => {
    if (object.isDown) throw new Error("out of reach");
  };
  const stub = {
    async heard() {
      object.reads++;
      reach();
      return [];
    },
    async report(report: HeardHeartbeat) {
      reach();
      object.reported.push(report);
    },
  };
  const names: string[] = [];
  const namespace = { idFromName: (name: string) => void names.push(name), get: () => stub };
  const fleet = durableObjectFleet(namespace as unknown as DurableObjectNamespace<FleetObject>, [nodeOf("a")]);
  return { object, names, fleet };
}

describe("on its object", () => {
  test("all edges read one, at most once a second each, however often it is asked, at once or in turn", async () => {
    const { fleet, object, names } = openOver();
    await Promise.all(Array.from({ length: 50 }, () => fleet.refresh(t0)));
    await fleet.refresh(t0 + 999);
    expect(object.reads).toBe(1);
    await fleet.refresh(t0 + 1_000);
    expect(object.reads).toBe(2);
    expect(new Set(names)).toEqual(new Set(["fleet"]));
  });

  test("a report is kept, with the time it was heard", async () => {
    const { fleet, object } = openOver();
    await fleet.report(heartbeatOf("node_a"), t0);
    expect(object.reported).toEqual([{ heartbeat: heartbeatOf("node_a"), heardAtMs: t0 }]);
  });

  test("refreshing rejects when it is out of reach, keeps the view, and tries again a second later", async () => {
    const { fleet, object } = openOver();
    await fleet.report(heartbeatOf("node_a"), t0);
    object.isDown = true;
    await expect(fleet.refresh(t0 + 2_000)).rejects.toThrow("out of reach");
    expect(fleet.refresh(t0 + 2_500)).toBeNull();
    expect(fleet.view(t0 + 2_500)[0]).toMatchObject({ state: "ready", heartbeatAgeMs: 2_500 });
    object.isDown = false;
    await fleet.refresh(t0 + 3_000);
    expect(object.reads).toBe(2);
  });

  test("a report rejects when it is out of reach, and is not believed here alone", async () => {
    const { fleet, object } = openOver();
    object.isDown = true;
    await expect(fleet.report(heartbeatOf("node_a"), t0)).rejects.toThrow("out of reach");
    expect(fleet.view(t0)[0]?.state).toBeNull();
  });
});
