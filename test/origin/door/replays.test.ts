import { expect, test } from "vitest";
import { openReplayCache } from "#origin/door/replays.ts";

test("an id is fresh once for as long as its token can live, and forgotten after that", () => {
  let now = 0;
  const replays = openReplayCache(1_000, 10, () => now);
  expect(replays.isFresh("a", 900)).toBe(true);
  expect(replays.isFresh("a", 900)).toBe(false);
  now = 999;
  expect(replays.isFresh("b", 1_900)).toBe(true);
  now = 1_500;
  expect(replays.isFresh("b", 1_900)).toBe(false);
  now = 5_000;
  expect(replays.isFresh("c", 6_000)).toBe(true);
  expect(replays.size).toBe(1);
});

test("an id that has run out is never fresh", () => {
  expect(openReplayCache(1_000, 10, () => 500).isFresh("a", 500)).toBe(false);
});

test("full, it remembers nothing more and says so, instead of forgetting one that may come again", () => {
  let now = 0;
  const replays = openReplayCache(1_000, 2, () => now);
  expect([replays.isFresh("a", 900), replays.isFresh("b", 900), replays.isFresh("c", 900)]).toEqual([true, true, null]);
  expect(replays.isFresh("a", 900)).toBe(false);
  now = 2_001;
  expect(replays.isFresh("c", 2_900)).toBe(true);
});
