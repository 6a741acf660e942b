import { afterAll, beforeAll, expect, it } from "vitest";
import { insertUsage, openWorld, type World } from "#test/edge/control/http/world.ts";

const startMs = Date.parse("2026-11-01T00:00:00Z");

let world: World;
beforeAll(async () => {
  world = await openWorld();
  for (let at = 0; at < 3; at++)
    await insertUsage(world, {
      id: `hold_${String(at).padStart(22, "0")}`,
      org: world.a.org,
      key: world.a.keyId,
      model: at === 1 ? '=cmd|"x"' : "qwen-chat",
      responseId: "chatcmpl-1",
      ttftMs: at === 0 ? null : 9,
      admittedAtMs: startMs + at,
    });
});
afterAll(() => world.close());

/** What the world's `ask` would read as JSON, as it comes. */
async function read(query: string, key = world.a.admin, org = world.a.org) {
  const answer = await world.app.fetch(
    new Request(`http://edge.test/control/orgs/${org}/usage/export?${query}`, {
      headers: { authorization: `Bearer ${key}` },
    }),
  );
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}
const range = "from=2026-11-01&to=2026-11-02";

it("writes CSV whose cells no spreadsheet runs, newest first", async () => {
  const { status, headers, text } = await read(range);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(headers.get("content-disposition")).toBe(`attachment; filename="usage-${world.a.org}-2026-11-01.csv"`);
  const [head = "", newest, middle = "", oldest, ...rest] = text.split("\r\n");
  expect(head.split(",").slice(0, 3)).toEqual(["id", "hold", "org"]);
  expect(head).toContain("ttftMs");
  expect(newest).toContain("hold_0000000000000000000002");
  expect(middle).toContain(`"'=cmd|""x"""`);
  expect(oldest).toContain("2026-11-01T00:00:00.000Z");
  expect(rest).toEqual([""]);
});

it("writes JSON lines of the same rows as the list", async () => {
  const { headers, text } = await read(`format=jsonl&${range}`);
  expect(headers.get("content-type")).toBe("application/jsonl");
  const rows = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const list = await world.ask("GET", `/control/orgs/${world.a.org}/usage?${range}`, { key: world.a.admin });
  expect(rows).toEqual(list.body.rows);
});

it("has every row once across pages, which are read one after another", async () => {
  const org = await world.openOrg("Pages");
  await world.select(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4500)
     INSERT INTO usage (id, hold, org, key, model, tier, endpoint, "end", prompt_tokens, cached_tokens,
       completion_tokens, cost_micros, admitted_at_ms, ended_at_ms)
     SELECT 'hold_' || printf('%022d', i), 'hold_' || printf('%022d', i), ?1, ?2, 'm', 'shared', 'embeddings',
       'completed', 1, 0, 0, 1, ?3 + i / 3, ?3 + i FROM n`.replaceAll("hold_", "hold_P"),
    org.org,
    org.keyId,
    startMs,
  );
  const { text } = await read(`format=jsonl&${range}`, org.admin, org.org);
  const ids = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).id);
  expect(ids).toHaveLength(4_500);
  expect(new Set(ids).size).toBe(4_500);
});

it("breaks off where the store fails on the way: nobody takes it for whole", async () => {
  const org = await world.openOrg("Broken");
  for (let at = 0; at < 2; at++)
    await world.select(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
       INSERT INTO usage (id, hold, org, key, model, tier, endpoint, "end", prompt_tokens, cached_tokens,
         completion_tokens, cost_micros, admitted_at_ms, ended_at_ms)
       SELECT 'hold_B' || ?4 || printf('%020d', i), 'x', ?1, ?2, 'm', 'shared', 'embeddings', 'completed', 1, 0, 0, 1,
         ?3 + i, ?3 + i FROM n`,
      org.org,
      org.keyId,
      startMs,
      at,
    );
  const { db } = world.control;
  let pages = 0;
  world.control.db = {
    ...db,
    prepare: (sql) => {
      if (/FROM usage +WHERE[^]* LIMIT/.test(sql) && ++pages > 1) throw new Error("out of reach");
      return db.prepare(sql);
    },
  };
  try {
    await expect(read(`format=jsonl&${range}`, org.admin, org.org)).rejects.toThrow("out of reach");
  } finally {
    world.control.db = db;
  }
  expect(pages).toBe(2);
});

it("is empty but for its head where there is nothing", async () => {
  expect((await read("from=2020-01-01&to=2020-01-02")).text.split("\r\n")).toHaveLength(2);
  expect((await read("format=jsonl&from=2020-01-01&to=2020-01-02")).text).toBe("");
});

it("refuses a query that makes no sense, and hides the org from another's admin", async () => {
  for (const query of ["format=xml", "from=2026-11-02&to=2026-11-02", "from=x"])
    expect([query, (await read(query)).status]).toEqual([query, 400]);
  expect((await read(range, world.b.admin)).status).toBe(404);
});

it("refuses more than a million calls before it begins", async () => {
  const org = await world.openOrg("Huge");
  await insertUsage(world, { org: org.org, key: org.keyId, admittedAtMs: startMs });
  await world.select("UPDATE usage_daily SET calls = 1000001 WHERE org = ?", org.org);
  const { status, text } = await read(range, org.admin, org.org);
  expect(status).toBe(400);
  expect(JSON.parse(text).error.message).toContain("1000001 calls");
});
