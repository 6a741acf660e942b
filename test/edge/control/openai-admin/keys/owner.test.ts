import { afterAll, beforeAll, expect, it } from "vitest";
import { toOpenAiOwner } from "#edge/control/openai-admin/keys/owner.ts";
import { openWorld, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("shows whose each key of a page is: a member's, a service account's, or nobody's", async () => {
  const { org, admin: key } = world.a;
  const { body: project } = await world.ask("POST", "/v1/organization/projects", { key, body: { name: "P" } });
  const owner = await world.signIn(org, "owner");
  const make = (body: object) =>
    world.ask("POST", `/control/orgs/${org}/keys`, { key, body: { name: "x", project: project.id, ...body } });
  const { body: account } = await world.ask("POST", `/control/orgs/${org}/service-accounts`, {
    key,
    body: { name: "Batch" },
  });
  for (const body of [{ owner: owner.user }, { owner: account.id }, {}]) await make(body);
  const path = `/v1/organization/projects/${project.id}/api_keys`;
  const owners = (await world.ask("GET", path, { key })).body.data.map((one: Json) => one.owner);
  expect(owners.toReversed()).toEqual([
    { type: "user", user: expect.objectContaining({ id: owner.user, role: "owner", email: owner.person.email }) },
    { type: "service_account", service_account: expect.objectContaining({ id: account.id, name: "Batch" }) },
    {},
  ]);
});

it("shows nothing of an owner who is known no more", () => {
  expect(toOpenAiOwner("user_0000000000000000000000", new Map())).toEqual({});
});
