import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test } from "vitest";
import { archiveUsage } from "#edge/adapters/d1/archive.ts";
import { insertUsage, openWorld, type World } from "#test/edge/control/http/world.ts";

const page = readFileSync(new URL("../docs/scale.md", import.meta.url), "utf8");
const query = /^SELECT org, model[^;]*;/m.exec(page)?.[0] ?? "";
/** DuckDB as `.ci/run` installs it, or as this machine has it. */
const hasDuckdb = spawnSync("python3", ["-c", "import duckdb"]).status === 0;

const folder = mkdtempSync(join(tmpdir(), "penstock-archive-"));
let world: World;
let mf: Miniflare;
beforeAll(async () => {
  world = await openWorld();
  const worker = { modules: true, script: "export default {}", r2Buckets: ["ARCHIVE"] };
  mf = new Miniflare(convertV4MiniflareOptions({ ...worker, compatibilityDate: "2026-08-15" }));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([world.close(), mf.dispose()]);
});

/** Calls of two orgs on three days of a month, of two models; some words on them come late. */
async function fillBill(): Promise<void> {
  for (let at = 0; at < 60; at++) {
    const { org, keyId: key } = at % 3 === 0 ? world.b : world.a;
    const admittedAtMs = Date.UTC(2026, 10, 1 + (at % 3) * 9, 5, 0, at);
    const call = { org, key, admittedAtMs, endedAtMs: admittedAtMs + 900 };
    const model = at % 4 === 0 ? "embedder" : "qwen-chat";
    const hold = await insertUsage(world, { ...call, model, costMicros: 1_000_003 * at, ttftMs: at % 5 ? at : null });
    if (at % 7 === 0)
      await insertUsage(world, { ...call, id: `${hold}:late`, hold, model, end: "adjusted", costMicros: 7 });
  }
}

/** Takes what the bucket has to a folder, as whoever reads the archive sees it. */
async function copyBucket(bucket: R2Bucket): Promise<void> {
  const { objects } = await bucket.list();
  for (const { key } of objects) {
    const path = join(folder, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, new Uint8Array((await (await bucket.get(key))?.arrayBuffer()) ?? []));
  }
}

const ask = (sql: string): unknown[][] => {
  const program = "import duckdb, json, sys; print(json.dumps(duckdb.sql(sys.argv[1]).fetchall()))";
  const { stdout, stderr } = spawnSync("python3", ["-c", program, sql], { encoding: "utf8" });
  if (stderr !== "") throw new Error(stderr);
  return JSON.parse(stdout);
};

test.skipIf(!hasDuckdb)(
  "the query of docs/scale.md reads an archive, and finds what roll-ups and statement say",
  async () => {
    await fillBill();
    const bucket = (await mf.getR2Bucket("ARCHIVE")) as unknown as R2Bucket;
    const terms = { db: world.db as unknown as D1Database, bucket, days: 62, now: () => Date.UTC(2027, 3, 1) };
    // The first run dies after it has written a part, so that part's rows are written again, among others.
    await world.select("CREATE TRIGGER dying BEFORE DELETE ON usage BEGIN SELECT raise(ABORT, 'died'); END");
    await expect(archiveUsage(terms)).rejects.toThrow("died");
    await world.select("DROP TRIGGER dying");
    await insertUsage(world, {
      ...world.a,
      key: world.a.keyId,
      admittedAtMs: Date.UTC(2026, 10, 1, 7),
      costMicros: 11,
    });
    const rows = await archiveUsage(terms);
    expect(await world.select("SELECT count(*) AS n FROM usage")).toEqual([{ n: 0 }]);
    await copyBucket(bucket);
    expect(query).toContain("r2://penstock-archive/");
    const local = query.replace("r2://penstock-archive/", `${folder}/`);
    const found = ask(local);
    const sums = await world.select(
      `SELECT org, model, sum(calls) AS calls, sum(cost_micros) / 1e6 AS cost FROM usage_daily
     WHERE day >= ? GROUP BY org, model ORDER BY cost DESC`,
      Date.UTC(2026, 10),
    );
    expect(found).toEqual(sums.map((row) => Object.values(row)));
    expect(found).toHaveLength(4);
    const written = ask(local.replace(/^SELECT[^]*?\nFROM/, "SELECT count(*) FROM").replace(/\nGROUP[^]*/, ""));
    expect(written).toEqual([[rows]]);
    for (const { org, admin } of [world.a, world.b]) {
      const { body } = await world.ask("GET", `/control/orgs/${org}/statements/2026-11`, { key: admin });
      const cost = found.filter(([of]) => of === org).reduce((total, [, , , each]) => total + Number(each) * 1e6, 0);
      expect(Math.round(cost)).toBe(body.totals.costMicros);
    }
  },
);
