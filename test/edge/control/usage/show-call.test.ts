import { afterAll, beforeAll, expect, it } from "vitest";
import { insertUsage, openWorld, type World } from "#test/edge/control/http/world.ts";

const ref = "0123456789abcdefABCDEF";

let world: World;
beforeAll(async () => {
  world = await openWorld();
  const { org, keyId: key } = world.a;
  await insertUsage(world, { id: `hold_${ref}`, org, key, ttftMs: 70, costMicros: 10 });
  await insertUsage(world, { id: `hold_${ref}:late`, org, key, end: "adjusted", costMicros: 2 });
});
afterAll(() => world.close());

const show = (call: string, key: string | null = world.a.admin) =>
  world.ask("GET", `/control/orgs/${world.a.org}/usage/calls/${call}`, { key });

it("finds a call by its request id and by its hold, with what came late", async () => {
  const { status, body } = await show(`req_${ref}`);
  expect(status).toBe(200);
  expect(body.rows.map(({ id, ttftMs }: { id: string; ttftMs: number | null }) => [id, ttftMs])).toEqual([
    [`hold_${ref}:late`, null],
    [`hold_${ref}`, 70],
  ]);
  expect(body.totals).toMatchObject({ calls: 1, costMicros: 12 });
  expect((await show(`hold_${ref}`)).body).toEqual(body);
});

it("answers one 404 for a call that is unknown, malformed or another org's", async () => {
  for (const call of [`req_${"0".repeat(22)}`, "req_x", ref])
    expect((await show(call)).body.error).toMatchObject({ code: "not_found" });
  const other = await world.ask("GET", `/control/orgs/${world.b.org}/usage/calls/req_${ref}`, { key: world.b.admin });
  expect(other.body.error.code).toBe("not_found");
  expect((await show(`req_${ref}`, world.b.admin)).body.error.code).toBe("not_found");
});
