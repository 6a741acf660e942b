import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Places } from "#edge/adapters/upstash/ledger/semaphore.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("there are so many and no more, and one that is given back is there again", () => {
  const places = new Places(2, 1_000);
  const first = places.take();
  expect([first, places.take(), places.take()]).toEqual([{ atMs: Date.now() }, { atMs: Date.now() }, null]);
  places.giveBack(first!);
  places.giveBack(first!);
  expect([places.take(), places.take()]).toEqual([{ atMs: Date.now() }, null]);
});

test("one that nobody gives back is free after its time, and not before", () => {
  const places = new Places(2, 1_000);
  places.take();
  vi.advanceTimersByTime(400);
  places.take();
  vi.advanceTimersByTime(600);
  expect(places.take()).toBeNull();
  vi.advanceTimersByTime(1);
  expect(places.take()).not.toBeNull();
  expect(places.take()).toBeNull();
});
