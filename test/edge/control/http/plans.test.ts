import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database, Statement } from "#edge/control/http/store.ts";
import { openWorld, type Json, type World } from "./world.ts";

/** Tables that are small, whatever a house has: they may be walked. */
const small = ["prices", "usage_backlog", "json_each"];
/** What a query may say, for each parameter of lists that is no enumeration. */
const values: Record<string, string> = {
  from: "2026-01-01",
  to: "2026-02-01",
  limit: "7",
  actor: "user_0000000000000000000000",
  target: "key_0000000000000000",
  action: "key.revoked",
  type: "key.revoked",
  owner: "user_0000000000000000000000",
  project: "proj_0000000000000000000000",
  member: "user_0000000000000000000000",
  key: "key_0000000000000000",
  model: "qwen-chat",
  tier: "shared",
  endpoint: "embeddings",
  outcome: "completed",
  hold: "hold_0000000000000000000000",
  month: "2026-01",
};
const cursors: Record<string, string> = { "/control/orgs/{org}/audit": "5" };

let world: World;
/** Each statement that was run, with what it was given. */
const seen = new Map<string, unknown[]>();
beforeAll(async () => {
  world = await openWorld();
  world.control.db = recordingDatabase(world.db);
});
afterAll(() => world.close());

function recordingDatabase(db: Database): Database {
  const behind = new WeakMap<Statement, Statement>();
  const record = (sql: string, statement: Statement, given: unknown[]): Statement => {
    seen.set(sql, given);
    const shown: Statement = {
      bind: (...next) => record(sql, statement.bind(...next), next),
      first: () => statement.first(),
      all: () => statement.all(),
      run: () => statement.run(),
    };
    behind.set(shown, statement);
    return shown;
  };
  return {
    prepare: (sql) => record(sql, db.prepare(sql), []),
    batch: (statements) => db.batch(statements.map((statement) => behind.get(statement) ?? statement)),
  };
}

/** The parameters of a list: each by itself, and all of a time together. */
function listQueries(path: string, parameters: Json[]): string[] {
  const single = parameters
    .filter((parameter) => parameter.in === "query" && parameter.name !== "format")
    .map(({ name, schema }) => {
      const cursor = name === "cursor" ? (cursors[path] ?? "1700000000000.evt_0000000000000000000000") : undefined;
      const value = cursor ?? values[name] ?? schema.enum?.[0];
      if (value === undefined) throw new RangeError(`${path} has '${name}': it needs a value here`);
      return `${name}=${value}`;
    });
  const times = single.filter((query) => /^(from|to)=/.test(query)).join("&");
  const others = single.filter((query) => !times.includes(query));
  return ["", times, ...others, ...others.map((query) => `${query}&${times}`)];
}

it("no list and no filter of one walks a table", async () => {
  const document = (await world.ask("GET", "/openapi.json", { key: null })).body;
  const webhook = await world.ask("POST", `/control/orgs/${world.a.org}/webhooks`, {
    key: world.a.admin,
    body: { url: "https://hooks.example.test/" },
  });
  const named: Record<string, string> = {
    org: world.a.org,
    key: world.a.keyId,
    month: "2026-01",
    webhook: webhook.body.id,
  };
  const lists = Object.entries<Json>(document.paths).filter(([path, { get }]) => path.startsWith("/control") && get);
  seen.clear();
  for (const [path, { get }] of lists) {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => named[name] ?? "none");
    for (const query of listQueries(path, get.parameters ?? [])) await world.ask("GET", `${filled}?${query}`);
  }
  expect(seen.size).toBeGreaterThan(40);
  const walked: string[] = [];
  for (const [sql, given] of seen) {
    const plan = await world.select(`EXPLAIN QUERY PLAN ${sql}`, ...given);
    const scans = plan.map(({ detail }) => String(detail)).filter((detail) => /^SCAN (?!.*USING .*INDEX)/.test(detail));
    const large = scans.filter(
      (scan) => !small.includes(scan.split(" ")[1] ?? "") && !/^SCAN (\(|CONSTANT)/.test(scan),
    );
    if (large.length > 0) walked.push(`${large.join(", ")}: ${sql}`);
  }
  expect(walked).toEqual([]);
});
