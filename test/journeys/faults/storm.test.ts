import { spawn, type ChildProcess } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isRedisThere } from "#test/support/redis.ts";

/**
 * The short form of `npm run storm`: the same storms with fewer callers. What it checks stands in
 * infra/checks/storm/README.md.
 */
const msMax = 600_000;
let child: ChildProcess;
let code: number | null = null;
let errors = "";
let verdicts: {
  seed: number;
  store: string;
  faults: string[];
  figures: Record<string, number>;
  violations: unknown[];
}[] = [];

beforeAll(async () => {
  const store = isRedisThere ? "both" : "durable-object";
  child = spawn(process.execPath, ["infra/checks/storm/storm.ts", "--short", "--json", "--store", store], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
  code = await new Promise((resolve) => child.once("exit", resolve));
  verdicts = output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}, msMax);
afterAll(() => void child.kill("SIGTERM"));

function check(store: string) {
  const mine = verdicts.filter((verdict) => verdict.store === store).toSorted((one, other) => one.seed - other.seed);
  expect(
    mine.map(({ seed, violations }) => ({ seed, violations })),
    errors,
  ).toEqual([1, 2, 3].map((seed) => ({ seed, violations: [] })));
  expect(mine[0]?.faults).toEqual([]);
  expect(mine.slice(1).every(({ faults }) => faults.length > 0)).toBe(true);
  for (const { figures } of mine)
    expect(Math.min(figures["answered"] ?? 0, figures["refused"] ?? 0, figures["billed"] ?? 0)).toBeGreaterThan(0);
}

test("storms over two edges and one Durable Object host: no overshoot, no loss, nothing billed twice", () => {
  check("durable-object");
  expect(code, errors).toBe(0);
});

test.skipIf(!isRedisThere)("the same over two edges and one Redis", () => check("upstash"));
