import { generateKeyPairSync } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { digestBody } from "#edge/agreements/digest.ts";
import type { NodeRecord } from "#edge/agreements/records/node.ts";
import { openJwsSigner } from "#edge/agreements/tokens/jws.ts";
import { freshHold, makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { heartbeatOf, nodeOf } from "#test/support/fakes/fleet.ts";
import { startedAtMs } from "#test/support/fakes/visit.ts";
import { importDoor, serve, type Door } from "./world.ts";

const { openNodesDoor } = await importDoor<{ openNodesDoor(): Door }>("nodes");

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const sign = openJwsSigner("node_a", privateKey);
let nodes: NodeRecord[];
beforeAll(() => {
  nodes = [nodeOf("a", { publicKey: String(publicKey.export({ format: "jwk" }).x) })];
});

/** A request as the agent of `node_a` sends it. */
function sent(path: string, body: unknown): Request {
  const text = JSON.stringify(body);
  const now = startedAtMs / 1_000;
  const claims = { iss: "node_a", aud: "penstock-edge", jti: "j".repeat(22), iat: now, exp: now + 60 };
  const authorization = `Bearer ${sign({ ...claims, bodySha256: digestBody(text) })}`;
  return new Request(`http://edge${path}`, { method: "POST", body: text, headers: { authorization } });
}

const usage = { node: "node_a", records: [makeRecord("org_0000000001", freshHold())] };

test("a batch of usage is settled, and answered with its results by kind", async () => {
  const orgs: string[] = [];
  const tickets = { verify: () => true };
  const ledger = {
    settleAll: async (batches: { org: string }[]) => {
      orgs.push(...batches.map(({ org }) => org));
      return batches.map(() => ({ status: "fulfilled", value: [{ result: "settled" }] }));
    },
  };
  const { response } = await serve(openNodesDoor(), { nodes, ledger, tickets }, sent("/origin/usage", usage));
  expect([response.status, await response.json(), orgs]).toEqual([200, { settled: 1 }, ["org_0000000001"]]);
});

describe("a heartbeat", () => {
  test("reaches the fleet with the edge's own time", async () => {
    const reported: unknown[] = [];
    const fleet = { report: async (...given: unknown[]) => void reported.push(given) };
    const heartbeat = heartbeatOf("node_a");
    const { response } = await serve(openNodesDoor(), { nodes, fleet }, sent("/origin/heartbeat", heartbeat));
    expect([response.status, await response.json()]).toEqual([200, { heard: true }]);
    expect(reported).toEqual([[heartbeat, startedAtMs]]);
  });

  test("that the fleet cannot keep is refused with store_unavailable and a second's wait", async () => {
    const fleet = { report: () => Promise.reject(new Error("CANARY")) };
    const { refusal } = await serve(
      openNodesDoor(),
      { nodes, fleet },
      sent("/origin/heartbeat", heartbeatOf("node_a")),
    );
    expect([refusal?.code, refusal?.details.retryAfterMs]).toEqual(["store_unavailable", 1_000]);
    expect(refusal?.details.message).not.toContain("CANARY");
  });

  test("without a node's signature reaches nothing", async () => {
    const fleet = { report: () => Promise.reject(new Error("reached")) };
    const body = JSON.stringify(heartbeatOf("node_a"));
    const request = new Request("http://edge/origin/heartbeat", { method: "POST", body });
    expect((await serve(openNodesDoor(), { nodes, fleet }, request)).refusal?.code).toBe("invalid_api_key");
  });
});

test("nothing but POST is served, and nothing outside /origin", async () => {
  for (const [method, path] of [
    ["GET", "/origin/usage"],
    ["POST", "/v1/models"],
  ] as const) {
    const { response } = await serve(openNodesDoor(), { nodes }, new Request(`http://edge${path}`, { method }));
    expect(response.status).toBe(404);
  }
});
