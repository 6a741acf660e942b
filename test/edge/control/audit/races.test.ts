import { expect, it } from "vitest";
import { winRace } from "#edge/control/audit/races.ts";

it("tries again until it comes through, and null is an answer", async () => {
  let tries = 0;
  expect(await winRace("it", async () => (++tries < 50 ? undefined : tries))).toBe(50);
  expect(await winRace("it", async () => null)).toBeNull();
});

it("is refused with 503 when others come first for too long, and passes on what an attempt throws", async () => {
  let tries = 0;
  const lost = winRace("the log", async () => void tries++);
  await expect(lost).rejects.toMatchObject({ code: "store_unavailable", details: { retryAfterMs: 1_000 } });
  expect(tries).toBe(50);
  await expect(winRace("it", () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
});
