import { expect, test } from "vitest";
import { realClock, virtualClock } from "#infra/simulator/engine/clock.ts";

test("virtual sleepers wake in order of their time, and an hour takes no time", async () => {
  const clock = virtualClock(1_000);
  const woken: number[] = [];
  const startedMs = Date.now();
  await Promise.all([3_600_000, 5, 60_000].map((ms) => clock.sleep(ms).then(() => woken.push(clock.now()))));
  expect(woken).toEqual([1_005, 61_000, 3_601_000]);
  expect(Date.now() - startedMs).toBeLessThan(1_000);
});

test("time stands still for whoever does not sleep", async () => {
  const clock = virtualClock();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(clock.now()).toBe(0);
});

test.each([
  ["real", realClock()],
  ["virtual", virtualClock()],
] as const)("an aborted sleep ends at once: %s", async (_, clock) => {
  const abort = new AbortController();
  const startedMs = Date.now();
  const sleep = clock.sleep(60_000, abort.signal);
  abort.abort();
  await sleep;
  await clock.sleep(60_000, abort.signal);
  expect(Date.now() - startedMs).toBeLessThan(1_000);
});
