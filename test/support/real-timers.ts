import { afterAll, expect, vi } from "vitest";

const kept = globalThis as { realTimers?: Pick<typeof globalThis, "setTimeout" | "clearTimeout"> };
const real = (kept.realTimers ??= { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout });

/**
 * Files of the unit project share a process, one after the other: a clock that one of them leaves behind stands still
 * for all that come after it, which then wait for ever. It is this file's fault, so it is told here.
 */
afterAll(() => {
  const { setTimeout, clearTimeout } = globalThis;
  const isReal = !vi.isFakeTimers() && setTimeout === real.setTimeout && clearTimeout === real.clearTimeout;
  vi.useRealTimers();
  Object.assign(globalThis, real);
  expect(isReal, "this file leaves fake timers, or a spy on a timer").toBe(true);
});
