import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";
import { spend } from "#test/edge/control/budgets/budgets.ts";

let world: World;
const inJanuary = Date.UTC(2026, 0, 10);
beforeAll(async () => {
  world = await openWorld();
  const { org, keyId, adminId } = world.a;
  const project = `proj_${"1".repeat(22)}`;
  await world.select("INSERT INTO projects (id, org, name, created_at_ms) VALUES (?, ?, '=<b>&\"x', 1)", project, org);
  await world.select("UPDATE keys SET project = ? WHERE id = ?", project, keyId);
  for (let at = 0; at < 40; at++)
    await spend(world, org, at % 3 ? keyId : adminId, 1_234_567 + at * 977, {
      model: at % 2 ? "qwen-chat" : "embedder",
      tier: at % 5 ? "shared" : "complex",
      admittedAtMs: inJanuary + at * 3_600_000,
    });
  await spend(world, org, keyId, 5, { admittedAtMs: Date.UTC(2026, 1, 1) });
  await spend(world, org, keyId, 7, { admittedAtMs: Date.UTC(2026, 0, 1) - 1 });
});
afterAll(() => world.close());

/** An answer that need not be JSON. */
async function read(query = "", key = world.a.admin) {
  const url = `http://edge.test/control/orgs/${world.a.org}/statements/2026-01${query}`;
  const answer = await world.app.fetch(new Request(url, { headers: { authorization: `Bearer ${key}` } }));
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

it("is the sum of what was settled in its month, to the micro-unit", async () => {
  const { status, text } = await read();
  expect(status).toBe(200);
  const statement = JSON.parse(text);
  const [settled] = await world.select(
    `SELECT count(*) AS calls, sum(cost_micros) AS cost, sum(prompt_tokens) AS prompt FROM usage
     WHERE org = ? AND admitted_at_ms >= ? AND admitted_at_ms < ?`,
    world.a.org,
    Date.UTC(2026, 0, 1),
    Date.UTC(2026, 1, 1),
  );
  expect(settled?.calls).toBe(40);
  expect(statement.totals).toMatchObject({
    calls: 40,
    costMicros: settled?.cost,
    promptTokens: settled?.prompt,
  });
  const sum = statement.lines.reduce((total: number, { costMicros }: { costMicros: number }) => total + costMicros, 0);
  expect(sum).toBe(settled?.cost);
  expect(statement).toMatchObject({ month: "2026-01", isFinal: true, currency: "EUR", orgName: "Org A" });
});

it("is not final before the last call of its month can be settled, and all of the bill is added up", async () => {
  world.clock.offsetMs = Date.UTC(2026, 1, 3) - Date.now();
  expect(JSON.parse((await read()).text).isFinal).toBe(false);
  world.clock.offsetMs = 0;
  await world.select("UPDATE usage_backlog SET up_to = 1000000");
  expect(JSON.parse((await read()).text).isFinal).toBe(false);
  await world.select("REPLACE INTO usage_backlog VALUES (1, 0)");
});

it("has lines and their sum as CSV, which no spreadsheet runs", async () => {
  const { headers, text } = await read("?format=csv");
  expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
  const lines = text.trimEnd().split("\r\n");
  expect(lines[0]).toContain("costMicros,currency");
  expect(lines.at(-1)).toContain("2026-01,TOTAL,");
  expect(text).toContain(`"'=<b>&""x"`);
});

it("is a page without scripts, with every text escaped and a policy that lets nothing in", async () => {
  const { headers, text } = await read("?format=html");
  expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]{43}='; /);
  expect(text).toContain("=&lt;b&gt;&amp;&quot;x");
  expect(text).not.toMatch(/<b>|<script|https?:/);
  expect(text).toContain("Final.");
});

it("refuses what is no month or format, and hides the org from another's admin", async () => {
  const path = `/control/orgs/${world.a.org}/statements`;
  expect((await world.ask("GET", `${path}/2026-13`, { key: world.a.admin })).body.error.code).toBe("not_found");
  expect((await world.ask("GET", `${path}/2026-01?format=pdf`, { key: world.a.admin })).status).toBe(400);
  expect((await read("", world.b.admin)).status).toBe(404);
  const developer = await world.signIn(world.a.org, "developer");
  expect((await world.ask("GET", `${path}/2026-01`, developer)).status).toBe(403);
});
