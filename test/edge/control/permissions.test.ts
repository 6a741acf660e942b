import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { actionMember } from "#edge/control/http/endpoint.ts";
import { actions, findReach, listActions, memberRoles, permissions, roles } from "#edge/control/permissions.ts";
import { listReached, type ReachedRoute } from "#test/support/people/reached-routes.ts";
import { openWorld, type Asking, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const readAction = (route: object): string | undefined => Reflect.get(route, actionMember);

test("every route but the bootstrap names an action of the table, and every role there is known (P1, S14)", () => {
  const unnamed = listReached().filter(({ route }) => !actions.some((action) => action === readAction(route)));
  expect(unnamed.map(({ path }) => path)).toEqual(["/control/bootstrap"]);
  for (const row of Object.values(permissions))
    expect(Object.keys(row).filter((role) => !roles.some((known) => known === role))).toEqual([]);
});

test("the furthest of what somebody holds counts", () => {
  expect(findReach("keys.read", ["developer"])).toBe("own");
  expect(findReach("keys.read", ["developer", "viewer"])).toBe("all");
  expect(findReach("nodes.read", ["owner"])).toBeNull();
  expect(listActions(["billing"])).toContain("costs.read");
  expect(listActions(["billing"])).not.toContain("keys.read");
});

/** A request that nobody could take for a good one: who may is refused for that, who may not before it. */
function sample(path: string, org: string): string {
  const named = path.replace("{org}", org).replace("{key}", "key_0000000000000000");
  return `${named.replaceAll(/\{\w+\}/g, "x")}?nonsense=1`;
}

describe("for every route and every role, in one's own org and in another's (S4, S14)", () => {
  const inOrgs = listReached().filter(({ isInOrg }) => isInOrg);
  const ask = (reached: ReachedRoute, org: string, asking: Asking) =>
    world.ask(reached.method, sample(reached.path, org), {
      ...asking,
      headers: { ...asking.headers, ...reached.nameOrg(org) },
    });

  it.each(memberRoles)("%s is let in or refused as the table says", async (role) => {
    const member = await world.signIn(world.a.org, role);
    for (const route of inOrgs) {
      const { method } = route;
      const action = actions.find((name) => name === readAction(route.route));
      const asking = { ...member, ...(method !== "GET" && { body: { nonsense: true } }) };
      const own = await ask(route, world.a.org, asking);
      const may = action !== undefined && permissions[action][role] !== undefined;
      const said = `${role} ${method} ${route.path}: ${own.status} ${own.text.slice(0, 200)}`;
      if (may) expect(own.status, said).not.toBe(403);
      else expect([own.status, own.body.error.code], said).toEqual([403, "insufficient_permissions"]);
      const others = await ask(route, world.b.org, asking);
      const missing = await ask(route, "org_0000000000", asking);
      expect([others.status, others.text], said).toEqual([404, missing.text]);
    }
  });

  it("an org's admin key reaches no other org", async () => {
    for (const route of inOrgs) {
      const { method } = route;
      const asking = { key: world.a.admin, ...(method !== "GET" && { body: {} }) };
      const others = await ask(route, world.b.org, asking);
      const missing = await ask(route, "org_0000000000", asking);
      expect([method, route.path, others.status, others.text]).toEqual([method, route.path, 404, missing.text]);
    }
  });
});
