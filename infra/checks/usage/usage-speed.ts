import { cpus, loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import { bucketCount } from "#edge/control/usage/latency.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

/*
 * `node infra/checks/usage/usage-speed.ts`: fills a local D1 with the roll-ups of ten million settled calls of one org,
 * and asks the API what the usage page asks. Fails when a question takes more than 200 ms, the median of five.
 */

const calls = 10_000_000;
const days = 62;
const keys = 40;
const models = 3;
const msMax = 200;
const tries = 5;
const dayMs = 86_400_000;
const hourMs = 3_600_000;

const spread = Array.from({ length: bucketCount }, (_, at) => (at >= 8 && at < 24 ? 1 : 0));
const perRow = Math.round(calls / (days * 24 * keys * models));

/** The roll-ups of one day of one org: a row an hour, key and model. */
async function fillDay(world: World, org: string, day: number): Promise<void> {
  const amounts = [1_000, 400, 300, 0, 250, 2_400, 180].map((each) => each * perRow);
  const histogram = [...spread, ...spread].map((share) => Math.round((share * perRow) / 16));
  const values = ["c.n", ...amounts, ...histogram].map((value) =>
    typeof value === "number" ? `${value} * c.n / ${perRow}` : value,
  );
  const list = (names: string) => `WITH RECURSIVE h(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM h WHERE i < 23),
    k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < ${keys - 1}),
    m(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM m WHERE i < ${models - 1}), c(n) AS (SELECT ${names})`;
  const row = (at: string) => `'${org}', ${at}, 'proj_' || k.i % 5, 'key_' || printf('%016d', k.i), 'user_' || k.i % 10,
    'model-' || m.i, 'shared', 'chat.completions', 'completed', ${values.join(", ")}`;
  await world.select(
    `INSERT INTO usage_hourly ${list(String(perRow))}
     SELECT ${row(`${day} + h.i * ${hourMs}`)} FROM h, k, m, c`,
  );
  await world.select(`INSERT INTO usage_daily ${list(String(24 * perRow))} SELECT ${row(String(day))} FROM k, m, c`);
}

async function measure(ask: () => Promise<{ status: number; text: string }>) {
  const times: number[] = [];
  let bytes = 0;
  for (let at = 0; at < tries; at++) {
    const start = performance.now();
    const { status, text } = await ask();
    times.push(performance.now() - start);
    if (status !== 200) throw new Error(`answered ${status}: ${text.slice(0, 200)}`);
    bytes = text.length;
  }
  const sorted = times.toSorted((one, other) => one - other);
  return { median: sorted[Math.floor(tries / 2)] ?? Infinity, worst: sorted.at(-1) ?? Infinity, bytes };
}

const world = await openWorld();
try {
  const { org, admin } = world.a;
  const today = Math.floor(Date.now() / dayMs) * dayMs;
  for (let at = 0; at < days; at++) await fillDay(world, org, today - at * dayMs);
  const [filled] = await world.select(
    "SELECT count(*) AS rows, sum(calls) AS calls FROM usage_hourly WHERE org = ?",
    org,
  );
  console.log(`${filled?.["calls"]} calls of one org in ${filled?.["rows"]} roll-ups by the hour, ${days} days.`);
  const iso = (ms: number) => new Date(ms).toISOString();
  const last = (span: number) => `from=${iso(today - (span - 1) * dayMs)}&to=${iso(today + dayMs)}`;
  const month = iso(today).slice(0, 7);
  const questions = [
    ["one day by the hour", `usage/series?by=hour&${last(1)}`],
    ["one day by the hour, by model", `usage/series?by=hour&group=model&${last(1)}`],
    ["a week by the hour", `usage/series?by=hour&${last(7)}`],
    ["30 days by the day", `usage/series?by=day&${last(30)}`],
    ["30 days by the day, by key", `usage/series?by=day&group=key&${last(30)}`],
    ["all of it by the day, by model", `usage/series?by=day&group=model&${last(days)}`],
    ["all of it, summed by key", `usage/summary?by=key&${last(days)}`],
    ["the month's costs by project", `costs?month=${month}&group=project`],
    ["the month's statement", `statements/${month}`],
  ] as const;
  console.log(`Load of this machine: ${loadavg()[0]?.toFixed(1)} on ${cpus().length} cores.`);
  let isSlow = false;
  for (const [what, path] of questions) {
    const found = await measure(() => world.ask("GET", `/control/orgs/${org}/${path}`, { key: admin }));
    isSlow ||= found.median > msMax;
    const figures = `${found.median.toFixed(0)} ms (at worst ${found.worst.toFixed(0)}), ${found.bytes} bytes`;
    console.log(`${found.median > msMax ? "SLOW " : "     "}${what}: ${figures}`);
  }
  process.exitCode = isSlow ? 1 : 0;
} finally {
  await world.close();
}
