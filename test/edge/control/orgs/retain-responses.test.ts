import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const retain = (hours: unknown, org = world.a.org, key?: string) =>
  world.ask("PUT", `/control/orgs/${org}/response-retention`, { body: { hours }, ...(key !== undefined && { key }) });

it("is none to begin with, and set by the org's own admin or an operator, who find it at the org", async () => {
  const show = async () => (await world.ask("GET", `/control/orgs/${world.a.org}`)).body;
  expect((await show()).responseRetentionHours).toBeNull();
  const answer = await retain(720, world.a.org, world.a.admin);
  expect([answer.status, answer.body]).toEqual([200, await show()]);
  expect(answer.body.responseRetentionHours).toBe(720);
  expect((await retain(1)).body.responseRetentionHours).toBe(1);
  expect((await retain(null, world.a.org, world.a.admin)).body.responseRetentionHours).toBeNull();
  expect(world.logs.join("\n")).toMatch(/responses_retained[^]*responses_shredded/);
});

it("is no business of another org's, nor of an org's calls", async () => {
  expect((await retain(24, world.a.org, world.b.admin)).body.error.code).toBe("not_found");
  expect((await retain(24, world.a.org, world.a.key)).body.error.code).toBe("invalid_api_key");
  expect((await retain(24, "org_0000000000")).body.error.code).toBe("not_found");
});

it("is a whole number of hours, 1 to 720, or null; nothing else is taken for it", async () => {
  for (const hours of [0, -1, 721, 1.5, "24", true, [], undefined])
    expect((await retain(hours)).body.error.param).toBe("hours");
  const answer = await world.ask("PUT", `/control/orgs/${world.a.org}/response-retention`, {
    body: { hours: 24, more: 1 },
  });
  expect(answer.body.error.param).toBe("more");
});

it("heals by repeating where the store is out of reach, and is 409 where nothing can be stored", async () => {
  world.retention.fails = true;
  const failed = await retain(24);
  expect([failed.status, failed.body.error.code]).toEqual([503, "store_unavailable"]);
  world.retention.fails = false;
  expect((await retain(24)).status).toBe(200);
  world.retention.isPossible = false;
  expect((await retain(24)).body.error.message).toContain("STORE_KEYS");
  expect((await retain(null)).status).toBe(200);
  world.control.retention = null;
  expect((await retain(null)).status).toBe(409);
});
