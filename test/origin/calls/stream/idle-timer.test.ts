import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startIdleTimer } from "#origin/calls/stream/idle-timer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Ms after the start at which the timer ran out. */
function listen(ms: number) {
  const startMs = performance.now();
  const firedAtMs: number[] = [];
  const timer = startIdleTimer(ms, () => firedAtMs.push(Math.round(performance.now() - startMs)));
  const noteAt = (atMs: number) => {
    vi.advanceTimersByTime(startMs + atMs - performance.now());
    timer.touch(performance.now());
  };
  return { timer, firedAtMs, noteAt };
}

test("runs out when nothing comes for so long, and again for as long as that lasts", () => {
  const { firedAtMs } = listen(100);
  vi.advanceTimersByTime(350);
  expect(firedAtMs).toEqual([100, 200, 300]);
});

test("is counted from the last that was heard, however often that was", () => {
  const { firedAtMs, noteAt } = listen(100);
  for (let at = 1; at <= 95; at++) noteAt(at);
  noteAt(180);
  noteAt(260);
  vi.advanceTimersByTime(250);
  expect(firedAtMs).toEqual([360, 460]);
});

test("runs out no more once it is stopped, also from within", () => {
  const one = listen(100);
  one.timer.stop();
  let times = 0;
  const other = startIdleTimer(100, () => {
    times++;
    other.stop();
  });
  vi.advanceTimersByTime(1_000);
  expect([one.firedAtMs, times]).toEqual([[], 1]);
});
