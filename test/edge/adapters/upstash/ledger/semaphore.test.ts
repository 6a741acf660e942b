import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Semaphore } from "#edge/adapters/upstash/ledger/semaphore.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("there are so many and no more, and one that is given back is there again", () => {
  const semaphore = new Semaphore(2, 1_000, () => Date.now());
  const first = semaphore.acquire();
  expect([first, semaphore.acquire(), semaphore.acquire()]).toEqual([{ atMs: Date.now() }, { atMs: Date.now() }, null]);
  semaphore.release(first!);
  semaphore.release(first!);
  expect([semaphore.acquire(), semaphore.acquire()]).toEqual([{ atMs: Date.now() }, null]);
});

test("one that nobody gives back is free after its time, and not before", () => {
  const semaphore = new Semaphore(2, 1_000, () => Date.now());
  semaphore.acquire();
  vi.advanceTimersByTime(400);
  semaphore.acquire();
  vi.advanceTimersByTime(600);
  expect(semaphore.acquire()).toBeNull();
  vi.advanceTimersByTime(1);
  expect(semaphore.acquire()).not.toBeNull();
  expect(semaphore.acquire()).toBeNull();
});
