import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const show = () => world.ask("GET", `/control/orgs/${world.a.org}/ledger`, { key: world.a.admin });

it("shows the ledger's windows", async () => {
  const answer = await show();
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    org: world.a.org,
    at: "2025-11-21T04:40:00.000Z",
    windows: [{ window: "requestsPerMinute", of: "org", limit: 60, remaining: 57, held: 1, settled: 2, resetAt: null }],
    openHolds: [],
    leases: [],
    outboxRows: 0,
  });
});

it("answers 503 when the ledger is out of reach", async () => {
  world.publisher.isDeaf = true;
  const answer = await show();
  world.publisher.isDeaf = false;
  expect([answer.status, answer.body.error.code]).toEqual([503, "quota_unavailable"]);
  expect(answer.text).not.toContain("ledger out of reach");
});

it("says how to heal an org that never came into force", async () => {
  world.publisher.records.delete(world.a.org);
  expect((await show()).body.error.code).toBe("conflict");
  await world.ask("PATCH", `/control/orgs/${world.a.org}`, { body: { name: "Org A" } });
  expect((await show()).status).toBe(200);
});
