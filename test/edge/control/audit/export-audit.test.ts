import { afterAll, beforeAll, expect, it } from "vitest";
import { auditStart } from "#edge/control/audit/entry.ts";
import { openWorld, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const ask = (key: string | null = world.a.admin) =>
  world.ask("GET", `/control/orgs/${world.a.org}/audit/export`, { key });

it("exports the whole log as it was hashed, the export itself last, over any number of pages", async () => {
  await world.select(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
     INSERT INTO audit
     SELECT 'org_9999999999', i, i, 'house', 'x', 'x', NULL, 'a', 't', NULL, NULL, NULL, 'p', 'h' FROM n`,
  );
  await world.select(
    `INSERT INTO orgs (id, name, plan, limits, created_at_ms)
     SELECT 'org_9999999999', 'big', plan, limits, 1 FROM orgs LIMIT 1`,
  );
  const big = await world.ask("GET", "/control/orgs/org_9999999999/audit/export");
  expect(big.text.trimEnd().split("\n")).toHaveLength(1_201);
  const answer = await ask();
  expect(answer.headers.get("content-type")).toMatch(/^application\/jsonl/);
  const rows: Json[] = answer.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, at) => at + 1));
  expect(rows[0].prev).toBe(auditStart);
  expect(rows.slice(1).map(({ prev }) => prev)).toEqual(rows.slice(0, -1).map(({ hash }) => hash));
  expect(rows.at(-1).action).toBe("audit.exported");
});

it("breaks rather than end early when the store fails on the way", async () => {
  const { db } = world.control;
  world.control.db = {
    prepare: (sql) => {
      if (sql.includes("seq > ?")) throw new Error("gone");
      return db.prepare(sql);
    },
    batch: (statements) => db.batch(statements),
  };
  await expect(ask()).rejects.toThrow();
  world.control.db = db;
  expect(world.logs.some((line) => line.includes("export_broken"))).toBe(true);
});

it("is for who may read the log", async () => {
  const billing = await world.signIn(world.a.org, "billing");
  expect((await world.ask("GET", `/control/orgs/${world.a.org}/audit/export`, billing)).status).toBe(403);
  expect((await ask(world.b.admin)).status).toBe(404);
});
