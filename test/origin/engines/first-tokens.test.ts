import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openFirstTokens, type SlowListener } from "#origin/engines/first-tokens.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open() {
  const told: [string, ...unknown[]][] = [];
  const listener: SlowListener = {
    onSlow: (ms) => void told.push(["slow", ms]),
    onSlowEnd: (ms, hasToken) => void told.push(["end", ms, hasToken]),
    onToken: (ms) => void told.push(["token", ms]),
  };
  const tokens = openFirstTokens({ slowStructuredMs: 5_000 }, Date.now);
  return { told, listener, tokens };
}

/** A call without a form, whose first token takes so long. */
function serve(tokens: ReturnType<typeof open>["tokens"], ms: number): void {
  const watch = tokens.watch(null);
  vi.advanceTimersByTime(ms);
  watch.noteToken();
  watch.stop();
}

test("a form whose first token comes in time is only measured", () => {
  const { told, listener, tokens } = open();
  const watch = tokens.watch(listener);
  vi.advanceTimersByTime(4_999);
  watch.noteToken();
  watch.stop();
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([["token", 4_999]]);
});

test("one that takes longer is told of while it waits, and once more when it has its token", () => {
  const { told, listener, tokens } = open();
  const watch = tokens.watch(listener);
  vi.advanceTimersByTime(5_000);
  expect(told).toEqual([["slow", 5_000]]);
  vi.advanceTimersByTime(4_600);
  watch.noteToken();
  watch.stop();
  expect(told.slice(1)).toEqual([
    ["token", 9_600],
    ["end", 9_600, true],
  ]);
});

test("one that ends without a token is told of as that, and one that ends early not at all", () => {
  const { told, listener, tokens } = open();
  const [early, late] = [tokens.watch(listener), tokens.watch(listener)];
  early.stop();
  vi.advanceTimersByTime(7_000);
  late.stop();
  late.stop();
  expect(told).toEqual([
    ["slow", 5_000],
    ["end", 7_000, false],
  ]);
});

test("an engine on which everybody waits as long is busy, and no form is to blame", () => {
  const { told, listener, tokens } = open();
  expect(tokens.usualMs).toBe(0);
  for (let at = 0; at < 60; at++) serve(tokens, 3_000);
  expect(tokens.usualMs).toBe(3_000);
  const watch = tokens.watch(listener);
  vi.advanceTimersByTime(11_999);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual([["slow", 12_000]]);
  watch.stop();
});

test("what is usual follows what is: forms are no part of it", () => {
  const { listener, tokens } = open();
  serve(tokens, 100);
  const watch = tokens.watch(listener);
  vi.advanceTimersByTime(20_000);
  watch.noteToken();
  expect(tokens.usualMs).toBe(100);
  serve(tokens, 1_100);
  expect(tokens.usualMs).toBe(200);
});
