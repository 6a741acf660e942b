import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const list = async (query = "", key?: string) =>
  (await world.ask("GET", `/control/orgs${query}`, key ? { key } : {})).body;

it("lists every org to an operator, newest first, and only its own to an admin", async () => {
  expect((await list()).orgs.map(({ id }: { id: string }) => id).toSorted()).toEqual(
    [world.operator.org, world.a.org, world.b.org].toSorted(),
  );
  expect((await list("", world.a.admin)).orgs.map(({ id }: { id: string }) => id)).toEqual([world.a.org]);
  expect((await list("", world.b.admin)).nextCursor).toBeNull();
});

it("pages through orgs of the same millisecond without loss or repetition", async () => {
  await world.db.prepare("UPDATE orgs SET created_at_ms = 5").bind().run();
  const seen: string[] = [];
  let cursor: string | null = "";
  for (let pages = 0; cursor !== null && pages < 10; pages++) {
    const page: { orgs: { id: string }[]; nextCursor: string | null } = await list(
      `?limit=1${cursor && `&cursor=${cursor}`}`,
    );
    expect(page.orgs.length).toBe(1);
    seen.push(...page.orgs.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual([world.operator.org, world.a.org, world.b.org].toSorted().toReversed());
});

it("shows an admin nothing of others through a cursor", async () => {
  expect(
    (await list(`?cursor=9999999999999.${world.b.org}`, world.a.admin)).orgs.map(({ id }: { id: string }) => id),
  ).toEqual([world.a.org]);
});
