import { expect, test } from "vitest";
import { readFlags } from "#infra/checks/storm/flags.ts";

test("the full storm is twenty seeds on both stores, in turn", () => {
  const { storms, stores } = readFlags([]);
  expect(stores).toEqual(["durable-object", "upstash"]);
  expect(storms).toHaveLength(40);
  expect(storms.slice(0, 3).map(({ seed, store, callers }) => [seed, store, callers])).toEqual([
    [20, "durable-object", 2_000],
    [20, "upstash", 2_000],
    [19, "durable-object", 2_000],
  ]);
  // Calm: nothing has to wait for what it leaves.
  expect(storms.at(-1)).toMatchObject({ seed: 1, store: "upstash" });
});

test("one storm is named by its seed, store, callers, edges and what is left out", () => {
  expect(
    readFlags(["--seed", "7", "--store", "upstash", "--callers", "50", "--edges", "2", "--without", "1,3"]).storms,
  ).toEqual([{ seed: 7, store: "upstash", callers: 50, edges: 2, without: [1, 3] }]);
});

test("attacks take the place of storms", () => {
  expect(readFlags([]).attackSeconds).toBeNull();
  expect([readFlags(["--attack"]).attackSeconds, readFlags(["--attack", "--seconds", "6"]).attackSeconds]).toEqual([
    15, 6,
  ]);
  expect(() => readFlags(["--attack", "--seconds", "2"])).toThrow("--seconds");
});

test.each([
  ["--callers", "2001"],
  ["--seeds", "0"],
  ["--seed", "x"],
  ["--edges", "3"],
  ["--store", "memcached"],
  ["--without", "1,a"],
  ["--redis-wait", "9"],
])("%s %s is refused by name", (flag, value) => {
  expect(() => readFlags([flag, value])).toThrow(flag);
});

test("Redis has 250 ms for up to 500 callers, then 5 s, or what is said", () => {
  expect(
    [["--callers", "500"], ["--callers", "501"], ["--short"], []].map((args) => readFlags(args).redisWaitMs),
  ).toEqual([250, 5_000, 250, 5_000]);
  expect(readFlags(["--redis-wait", "400"]).redisWaitMs).toBe(400);
});
