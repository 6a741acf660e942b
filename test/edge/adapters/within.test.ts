import { expect, test, vi } from "vitest";
import { within } from "#edge/adapters/within.ts";

test("hands on what comes in time, and what fails", async () => {
  expect(await within(1_000, "it", Promise.resolve(7))).toBe(7);
  await expect(within(1_000, "it", Promise.reject(new Error("its own failure")))).rejects.toThrow("its own failure");
});

test("what hangs is given up, by its name and its time", async () => {
  await expect(within(20, "it", new Promise(() => {}))).rejects.toThrow("it: no answer within 20 ms");
});

test("what fails after it was given up troubles nobody, and no timer is left behind", async () => {
  const timers = vi.spyOn(globalThis, "clearTimeout");
  const late = Promise.withResolvers<never>();
  await expect(within(10, "it", late.promise)).rejects.toThrow("no answer");
  late.reject(new Error("too late"));
  await within(10_000, "it", Promise.resolve());
  expect(timers).toHaveBeenCalledTimes(2);
  timers.mockRestore();
});
