import { describe, expect, test } from "vitest";
import { freshHold, makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { heartbeatOf } from "#test/support/fakes/fleet.ts";
import { authorizeNode, findKeysOf } from "#test/support/fakes/node-keys.ts";
import { startedAtMs } from "#test/support/fakes/visit.ts";
import { importDoor, serve, type Door } from "./world.ts";

const { openNodesDoor } = await importDoor<{ openNodesDoor(): Door }>("nodes");

const nodeKeys = findKeysOf("node_a");

/** A request as the agent of `node_a` sends it. */
function sent(path: string, body: unknown): Request {
  const text = JSON.stringify(body);
  const authorization = authorizeNode("node_a", text, startedAtMs);
  return new Request(`http://edge${path}`, { method: "POST", body: text, headers: { authorization } });
}

const usage = { node: "node_a", records: [makeRecord("org_0000000001", freshHold())] };

test("a batch of usage is settled, and answered with its results by kind", async () => {
  const orgs: string[] = [];
  const tickets = { verify: () => ({ leased: null }) };
  const ledger = {
    settleAll: async (batches: { org: string }[]) => {
      orgs.push(...batches.map(({ org }) => org));
      return batches.map(() => ({ status: "fulfilled", value: [{ result: "settled" }] }));
    },
  };
  const { response } = await serve(openNodesDoor(), { nodeKeys, ledger, tickets }, sent("/origin/usage", usage));
  expect([response.status, await response.json(), orgs]).toEqual([200, { settled: 1 }, ["org_0000000001"]]);
});

describe("a heartbeat", () => {
  test("reaches the fleet with the edge's own time", async () => {
    const reported: unknown[] = [];
    const fleet = { report: async (...given: unknown[]) => void reported.push(given) };
    const heartbeat = heartbeatOf("node_a");
    const { response } = await serve(openNodesDoor(), { nodeKeys, fleet }, sent("/origin/heartbeat", heartbeat));
    expect([response.status, await response.json()]).toEqual([200, { heard: true }]);
    expect(reported).toEqual([[heartbeat, startedAtMs]]);
  });

  test("that the fleet cannot keep is refused with store_unavailable and a second's wait", async () => {
    const fleet = { report: () => Promise.reject(new Error("CANARY")) };
    const { refusal } = await serve(
      openNodesDoor(),
      { nodeKeys, fleet },
      sent("/origin/heartbeat", heartbeatOf("node_a")),
    );
    expect([refusal?.code, refusal?.details.retryAfterMs]).toEqual(["store_unavailable", 1_000]);
    expect(refusal?.details.message).not.toContain("CANARY");
  });

  test("without a node's signature reaches nothing", async () => {
    const fleet = { report: () => Promise.reject(new Error("reached")) };
    const body = JSON.stringify(heartbeatOf("node_a"));
    const request = new Request("http://edge/origin/heartbeat", { method: "POST", body });
    expect((await serve(openNodesDoor(), { nodeKeys, fleet }, request)).refusal?.code).toBe("invalid_api_key");
  });
});

test("nothing but POST is served, and nothing outside /origin", async () => {
  for (const [method, path] of [
    ["GET", "/origin/usage"],
    ["POST", "/v1/models"],
  ] as const) {
    const { response } = await serve(openNodesDoor(), { nodeKeys }, new Request(`http://edge${path}`, { method }));
    expect(response.status).toBe(404);
  }
});
