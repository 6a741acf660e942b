import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const move = (org: string, key?: string, body: unknown = { placement: "own" }) =>
  world.ask("POST", `/control/orgs/${org}/move`, { body, ...(key !== undefined && { key }) });

it("moves an org's ledger for an operator, and logs who did", async () => {
  const answer = await move(world.a.org);
  expect([answer.status, answer.body.id]).toEqual([200, world.a.org]);
  expect(world.mover.moved).toEqual([world.a.org]);
  expect(world.logs.join("\n")).toContain("org.moved");
});

it("is not for admins, nor for orgs that are not there, nor to anywhere else", async () => {
  expect((await move(world.a.org, world.a.admin)).body.error.code).toBe("insufficient_permissions");
  expect((await move(world.a.org, world.b.admin)).body.error.code).toBe("not_found");
  expect((await move("org_0000000000")).body.error.code).toBe("not_found");
  expect((await move(world.a.org, undefined, { placement: "shards" })).body.error.param).toBe("placement");
  expect(world.mover.moved).toEqual([world.a.org]);
});

it("says that a move that broke goes on when it is repeated; with Redis there is none", async () => {
  world.mover.fails = true;
  const broken = await move(world.b.org);
  expect([broken.status, broken.body.error.code]).toEqual([503, "quota_unavailable"]);
  expect(broken.body.error.message).toContain("Repeat");
  world.mover.fails = false;
  expect((await move(world.b.org)).status).toBe(200);
  world.control.mover = null;
  expect((await move(world.b.org)).body.error.code).toBe("conflict");
});
