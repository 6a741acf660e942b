import { afterAll, beforeAll, expect, it } from "vitest";
import {
  applyProjectChange,
  deleteProject,
  findProject,
  insertProject,
  toProjectRecord,
  updateProject,
} from "#edge/control/projects/queries.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const draft = (end: string) => ({
  id: `proj_${end.padStart(22, "0")}`,
  org: world.a.org,
  name: "x",
  limits: null,
  created_at_ms: 1,
});

it("lists by an index, without sorting", async () => {
  const plan = await world.select(
    "EXPLAIN QUERY PLAN SELECT * FROM projects WHERE org = ? AND (created_at_ms, id) < (?, ?) " +
      "ORDER BY created_at_ms DESC, id DESC LIMIT 1",
    "",
    1,
    "",
  );
  expect(plan.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/^SEARCH projects USING INDEX projects_by_org/),
  ]);
});

it("writes no change over another's, and takes back no project that a key names", async () => {
  await insertProject(world.db, draft("1"), 9).run();
  const known = await findProject(world.db, world.a.org, draft("1").id);
  if (!known) throw new Error("not inserted");
  const changed = applyProjectChange(known, { limits: { requestsPerMinute: 1 } });
  expect(await updateProject(world.db, changed).first()).not.toBeNull();
  expect(await updateProject(world.db, changed).first()).toBeNull();
  expect(toProjectRecord(changed)).toMatchObject({ kind: "project", limits: { requestsPerMinute: 1 } });
  await world.select("UPDATE keys SET project = ? WHERE id = ?", known.id, world.a.keyId);
  expect(await deleteProject(world.db, known.id).first()).toBeNull();
  await world.select("UPDATE keys SET project = NULL WHERE id = ?", world.a.keyId);
  expect(await deleteProject(world.db, known.id).first()).not.toBeNull();
  expect(await findProject(world.db, world.b.org, known.id)).toBeNull();
});

it("has room for no more than an org may have", async () => {
  expect(await insertProject(world.db, draft("2"), 0).first()).toBeNull();
});
