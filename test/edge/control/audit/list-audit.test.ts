import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
  for (let at = 0; at < 5; at++)
    await world.ask("PATCH", `/control/orgs/${world.a.org}`, { body: { name: `Name ${at}` } });
});
afterAll(() => world.close());

const list = (query = "", key = world.a.admin) =>
  world.ask("GET", `/control/orgs/${world.a.org}/audit${query}`, { key });

it("lists the newest first, page by page, without a gap or a repeat", async () => {
  const all = (await list()).body.entries.map(({ seq }: Json) => seq);
  expect(all).toEqual(Array.from({ length: all.length }, (_, at) => all.length - at));
  const seen: number[] = [];
  for (let cursor = ""; ;) {
    const { body } = await list(`?limit=2${cursor}`);
    seen.push(...body.entries.map(({ seq }: Json) => seq));
    if (body.nextCursor === null) break;
    cursor = `&cursor=${body.nextCursor}`;
  }
  expect(seen).toEqual(all);
});

it("filters by actor, action, target and time", async () => {
  const count = async (query: string) => (await list(query)).body.entries.length;
  expect(await count("?action=org.changed")).toBe(5);
  expect(await count(`?actor=${world.operator.keyId}&action=org.changed`)).toBe(5);
  expect(await count(`?target=${world.a.keyId}`)).toBe(1);
  expect(await count("?to=2001-01-01")).toBe(0);
  expect(await count("?from=2001-01-01&action=org.created")).toBe(1);
});

it("refuses bad filters, another org's admin and a role that may not", async () => {
  for (const query of ["?limit=0", "?cursor=x", "?from=yesterday", "?other=1", "?actor="])
    expect([query, (await list(query)).status]).toEqual([query, 400]);
  expect((await list("", world.b.admin)).status).toBe(404);
  const viewer = await world.signIn(world.a.org, "viewer");
  const answer = await world.ask("GET", `/control/orgs/${world.a.org}/audit`, viewer);
  expect([answer.status, answer.body.error.code]).toEqual([403, "insufficient_permissions"]);
});
