import { expect } from "vitest";
import type { Dependency, Fault } from "#test/journeys/faults/fault-table.ts";
import { expectBill, expectCall, toldBy, type RunCell, type Stage } from "./fault-stage.ts";
import type { Org } from "#test/support/stack/world.ts";

type EdgeRow = Extract<Dependency, `ledger.${string}` | `d1.${string}` | `fleet.${string}`>;

/** The edge's own stores: each run puts the fault at the binding, for one org. */
export const edgeRows: Record<EdgeRow, RunCell> = {
  "ledger.admit": held("LEDGERS.admit"),
  "ledger.settle": held("LEDGERS.settle"),
  "d1.usage": held("DB.usage"),
  "ledger.introspect": async (stage, fault, cell) => {
    const org = await orgWith(stage, "LEDGERS.introspect", fault);
    expect(
      await toldBy(
        fetch(`${stage.world.place.edge}/v1/models`, {
          headers: { authorization: `Bearer ${org.key}`, "x-fault-cell": org.id },
        }),
      ),
    ).toBe(cell.told);
    await expectBill(stage.world, org, cell.billed);
  },
  "ledger.release": async (stage, fault, cell) => {
    const org = await orgWith(stage, "LEDGERS.release", fault);
    for (const hop of stage.nodes) hop.arm({ keys: [org.id], place: "refusal", fault: "garbage" });
    await expectCall(stage, org, cell);
  },
  "ledger.publish": async (stage, fault, cell) => {
    const org = await orgWith(stage, "LEDGERS.publish", fault);
    await expectChange(stage, org, cell.told);
  },
  "ledger.inspect": async (stage, fault, cell) => {
    const org = await orgWith(stage, "LEDGERS.inspect", fault);
    expect(await toldBy(control(stage, "GET", `/orgs/${org.id}/ledger`))).toBe(cell.told);
    await expectBill(stage.world, org, cell.billed);
  },
  "d1.key": async (stage, fault, cell) => {
    const org = await stage.world.newOrg();
    const admin = await stage.world.newKey(org.id, { kind: "admin" });
    await stage.arm({ at: "DB.read", key: admin.id, fault });
    expect(await toldBy(control(stage, "GET", `/orgs/${org.id}`, undefined, admin.secret))).toBe(cell.told);
    expect(await toldBy(control(stage, "GET", `/orgs/${org.id}`, undefined, admin.secret))).toBe("ok");
  },
  "d1.read": async (stage, fault, cell) => {
    const org = await orgWith(stage, "DB.read", fault);
    expect(await toldBy(control(stage, "GET", `/orgs/${org.id}`))).toBe(cell.told);
    expect(await toldBy(control(stage, "GET", `/orgs/${org.id}`))).toBe("ok");
  },
  "d1.write": async (stage, fault, cell) => {
    const org = await orgWith(stage, "DB.write", fault);
    await expectChange(stage, org, cell.told);
  },
  "fleet.heard": async (stage, fault, cell) => {
    const org = await stage.world.newOrg();
    await stage.arm({ at: "FLEET.heard", key: org.id, fault, times: 99 });
    await expectCall(stage, org, cell);
    const startedAtMs = Date.now();
    const health = await fetch(`${stage.world.place.edge}/health`, { headers: { "x-fault-cell": org.id } });
    expect([200, 503]).toContain(health.status);
    expect(await health.json()).toHaveProperty("backends");
    expect(Date.now() - startedAtMs).toBeLessThan(10_000);
  },
  "fleet.report": async (stage, fault, cell) => {
    const cellOf = (await stage.world.newOrg()).id;
    await stage.arm({ at: "FLEET.report", key: cellOf, fault });
    const load = { running: 0, waiting: 0, kvUsed: 0, heldTokens: 0 };
    const engine = { kind: "simulator", version: "1", fingerprint: "f" };
    // Of a boot long past, so that it changes nobody's picture of the node.
    const heartbeat = {
      node: stage.world.place.nodes[0]!.id,
      bootId: "long-ago",
      bootedAtMs: 1,
      sequence: 1,
      state: "ready",
      models: [],
      engine,
      kvPoolTokens: 0,
      load,
    };
    expect(await toldBy(stage.postAsNode("/origin/heartbeat", heartbeat, { "x-fault-cell": cellOf }))).toBe(cell.told);
  },
};

async function orgWith(stage: Stage, at: string, fault: Fault): Promise<Org> {
  const org = await stage.world.newOrg();
  await stage.arm({ at, key: org.id, fault });
  return org;
}

function held(at: string): RunCell {
  return async (stage, fault, cell) => expectCall(stage, await orgWith(stage, at, fault), cell);
}

function control(
  stage: Stage,
  method: string,
  path: string,
  body?: unknown,
  key = stage.world.place.adminKey,
): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return fetch(`${stage.world.place.edge}/control${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** Sets a limit. Whatever the first try was told, repeating it brings it into force. */
export async function expectChange(stage: Pick<Stage, "world">, org: Org, told: string): Promise<void> {
  const set = () => control(stage as Stage, "PATCH", `/orgs/${org.id}`, { limits: { requestsPerMinute: 77 } });
  expect(await toldBy(set())).toBe(told);
  if (told !== "ok") expect(await toldBy(set())).toBe("ok");
  const { windows } = await stage.world.ledger(org.id);
  expect(windows).toContainEqual(expect.objectContaining({ window: "requestsPerMinute", limit: 77 }));
}
