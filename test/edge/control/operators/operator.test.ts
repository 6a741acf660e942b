import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("refuses to make or unmake operators before the bootstrap, whose org's log would name them", async () => {
  const operator = await world.signIn(null, "owner", { isOperator: true });
  await world.select("UPDATE auth_users SET is_operator = 1 WHERE id = ?", operator.user);
  const add = () => world.ask("POST", "/control/operators", { ...operator, body: { email: "ada@example.test" } });
  const remove = () => world.ask("DELETE", `/control/operators/${operator.user}`, { ...operator, body: {} });
  await world.select("UPDATE orgs SET is_operator = 0 WHERE id = ?", world.operator.org);
  for (const answer of [await add(), await remove()]) {
    expect([answer.status, answer.body.error.code]).toEqual([409, "conflict"]);
    expect(answer.body.error.message).toMatch(/bootstrap/);
  }
  await world.select("UPDATE orgs SET is_operator = 1 WHERE id = ?", world.operator.org);
  expect([(await add()).status, (await remove()).status]).toEqual([201, 200]);
});
