import { afterAll, beforeAll, expect, it } from "vitest";
import { planLimits } from "#edge/agreements/records/quota.ts";
import {
  applyChange,
  deleteOrg,
  ensureOperatorOrg,
  findOrg,
  insertOrg,
  OrgRow,
  selectOrgs,
  toOrgRecord,
  updateOrg,
} from "#edge/control/orgs/queries.ts";
import { listStart } from "#edge/control/http/fields.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const limits = planLimits.standard;

it("hands back what was inserted, and nothing once it was deleted", async () => {
  const org = { id: "org_1111111111", name: "One", plan: "standard", limits, createdAtMs: 1 } as const;
  const row = OrgRow.parse(await insertOrg(world.db, org, null).first());
  expect(await findOrg(world.db, row.id)).toEqual(row);
  expect(toOrgRecord(row)).toEqual({
    kind: "org",
    id: row.id,
    plan: "standard",
    isSuspended: false,
    limits,
    version: 1,
  });
  await deleteOrg(world.db, row.id).run();
  expect(await findOrg(world.db, row.id)).toBeNull();
  expect(await updateOrg(world.db, applyChange(row, { name: "Two" })).first()).toBeNull();
});

it("keeps an org that has keys", async () => {
  await expect(deleteOrg(world.db, world.a.org).run()).rejects.toThrow();
});

it("sets a window to null and leaves the others, as JSON numbers", async () => {
  const known = (await findOrg(world.db, world.a.org))!;
  const change = { limits: { tokensPerDay: null, tokensPerMonth: Number.MAX_SAFE_INTEGER, concurrency: 0 } };
  const row = OrgRow.parse(await updateOrg(world.db, applyChange(known, change)).first());
  expect(row).toMatchObject({ ...known, limits: row.limits, version: known.version + 1 });
  expect(await updateOrg(world.db, applyChange(known, { name: "late" })).first()).toBeNull();
  expect(row.limits).toEqual({
    ...limits,
    tokensPerDay: null,
    tokensPerMonth: Number.MAX_SAFE_INTEGER,
    concurrency: 0,
  });
});

it("has one operator's org, whoever asks for it", async () => {
  const rows = await Promise.all(
    ["org_2222222222", "org_3333333333"].map((id) => ensureOperatorOrg(world.db, id, limits, 1)),
  );
  expect(rows.map(({ id }) => id)).toEqual([world.operator.org, world.operator.org]);
});

it("lists by an index, without sorting", async () => {
  expect(await selectOrgs(world.db, { org: world.b.org }, listStart, 9)).toHaveLength(1);
  const plan = await world.select(
    "EXPLAIN QUERY PLAN SELECT orgs.* FROM orgs WHERE (?1 IS NULL OR orgs.id = ?1) AND " +
      "(orgs.created_at_ms, orgs.id) < (?2, ?3) ORDER BY orgs.created_at_ms DESC, orgs.id DESC LIMIT 1",
    null,
    1,
    "",
  );
  expect(plan.map(({ detail }) => detail).join()).toMatch(/^SEARCH orgs USING INDEX orgs_by_age/);
});
