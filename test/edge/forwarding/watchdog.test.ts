import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openWatchdog } from "#edge/forwarding/watchdog.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
const now = () => Date.now();

/** Waits, and tells what bit and when, in ms from now. */
function watch() {
  const startMs = now();
  const bites: [string, number][] = [];
  const dog = openWatchdog(now);
  const wait = (ms: number, name: string) => dog.wait(ms, () => bites.push([name, now() - startMs]));
  return { wait, bites, dispose: () => dog.dispose() };
}

test("it bites once, when its time is over and not before", () => {
  const { wait, bites } = watch();
  wait(100, "headers");
  vi.advanceTimersByTime(99);
  expect(bites).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(bites).toEqual([["headers", 100]]);
});

test("a longer wait takes the place of the one before, with the same timer, and a shorter one at once", () => {
  // No spy: vitest takes spies off once more after the file, and this one would bring the fake timer back with it.
  const setting = vi.fn<typeof setTimeout>(globalThis.setTimeout);
  vi.stubGlobal("setTimeout", setting);
  const { wait, bites } = watch();
  wait(100, "headers");
  vi.advanceTimersByTime(40);
  wait(500, "body");
  expect(setting).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(499);
  expect(bites).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(bites).toEqual([["body", 540]]);
  wait(1_000, "headers");
  wait(20, "refusal");
  vi.advanceTimersByTime(10_000);
  expect(bites).toEqual([
    ["body", 540],
    ["refusal", 560],
  ]);
  vi.unstubAllGlobals();
});

test("disposed of, it bites never and leaves no timer behind", () => {
  const { wait, bites, dispose } = watch();
  wait(100, "headers");
  wait(500, "body");
  dispose();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(10_000);
  expect(bites).toEqual([]);
});

test("it bites when a timer for each wait would, whatever waits follow each other", () => {
  const step = fc.record({ afterMs: fc.nat(30), ms: fc.integer({ min: 1, max: 60 }), isOver: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const { wait, bites, dispose } = watch();
      const startMs = now();
      const expected: [string, number][] = [];
      let plain: ReturnType<typeof setTimeout> | undefined;
      for (const [index, { afterMs, ms, isOver }] of steps.entries()) {
        vi.advanceTimersByTime(afterMs);
        clearTimeout(plain);
        if (isOver) dispose();
        else {
          wait(ms, String(index));
          plain = setTimeout(() => expected.push([String(index), now() - startMs]), ms);
        }
      }
      vi.advanceTimersByTime(1_000);
      expect(bites).toEqual(expected);
      expect(vi.getTimerCount()).toBe(0);
    }),
  );
});

test("a clock that stands still does not keep it from biting", () => {
  let bites = 0;
  const dog = openWatchdog(() => 7);
  dog.wait(100, () => bites++);
  dog.wait(300, () => bites++);
  vi.advanceTimersByTime(300);
  expect([bites, vi.getTimerCount()]).toEqual([1, 0]);
});
