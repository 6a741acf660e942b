import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { openDemo } from "#infra/local/demo.ts";
import { startStack } from "#infra/local/stack.ts";
import { houseQuestions, listQuestions } from "./questions.ts";
import { seed, sizes } from "./seed.ts";

/*
 * `node infra/checks/scale/scale.ts`: fills the D1 of a local stack with a large org among ten thousand (seed.ts), and
 * times each list at the API: first page, deep page, filters that fit many rows, few or none. Fails when one takes more
 * than 200 ms, the median of seven.
 */

const msMax = 200;
const tries = 7;

async function measure(url: string, key: string) {
  const times: number[] = [];
  let [rows, bytes] = [0, 0];
  for (let at = 0; at < tries; at++) {
    const start = performance.now();
    const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
    const text = await response.text();
    times.push(performance.now() - start);
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
    const answer: Record<string, unknown> = JSON.parse(text);
    rows = Object.values(answer).find((value) => Array.isArray(value))?.length ?? 1;
    bytes = text.length;
  }
  const sorted = times.toSorted((one, other) => one - other);
  return { median: sorted[Math.floor(tries / 2)] ?? Infinity, worst: sorted.at(-1) ?? Infinity, rows, bytes };
}

/** Makes a stack's org and an admin key of it, and fills its D1 while it stands still. */
async function prepare(stateDir: string): Promise<{ org: string; key: string }> {
  const stack = await startStack({ port: 0, stateDir });
  const { url } = stack.edge;
  const { org, adminKey } = await openDemo(stateDir, url, stack.secrets.bootstrapToken);
  const made = await fetch(`${url}/control/orgs/${org}/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "scale", kind: "admin" }),
  });
  const { secret: key } = (await made.json()) as { secret: string };
  await stack.close();
  console.log("Seeding:", JSON.stringify(sizes));
  seed(stateDir, org, console.log);
  return { org, key };
}

async function check(): Promise<boolean> {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-scale-"));
  process.once("exit", () => rmSync(stateDir, { recursive: true, force: true }));
  const { org, key } = await prepare(stateDir);
  const stack = await startStack({ port: 0, stateDir });
  try {
    const { url } = stack.edge;
    const { adminKey: operator } = await openDemo(stateDir, url, stack.secrets.bootstrapToken);
    const ours = listQuestions(org).map(([what, path]) => [what, `orgs/${org}/${path}`, key] as const);
    const all = [...ours, ...houseQuestions.map(([what, path]) => [what, path, operator] as const)];
    console.log(`Load of this machine: ${loadavg()[0]?.toFixed(1)} on ${cpus().length} cores.`);
    let isFast = true;
    for (const [what, path, by] of all) {
      const { median, worst, rows, bytes } = await measure(`${url}/control/${path}`, by);
      isFast &&= median <= msMax;
      const figures = `${median.toFixed(0)} ms (at worst ${worst.toFixed(0)}), ${rows} rows, ${bytes} bytes`;
      console.log(`${median > msMax ? "SLOW " : "     "}${what}: ${figures}`);
    }
    return isFast;
  } finally {
    await stack.close();
  }
}

process.exit((await check()) ? 0 : 1);
