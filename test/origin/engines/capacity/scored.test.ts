import { expect, test } from "vitest";
import { openScoredGate } from "#origin/engines/capacity/scored.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";

function hold() {
  let finish = () => {};
  const held = new Promise<void>((resolve) => (finish = resolve));
  return { work: () => held, finish };
}

test("one long call for scores runs at a time; another is told to come again, and others are not asked", async () => {
  const gate = openScoredGate();
  const first = hold();
  const running = gate.run(true, first.work);
  const refusal = await refusedBy(() => gate.run(true, async () => "second"));
  expect([refusal.code, refusal.details]).toEqual([
    "server_is_overloaded",
    expect.objectContaining({ retryAfterMs: 1_000, log: "scores_busy" }),
  ]);
  expect(await gate.run(false, async () => "short")).toBe("short");
  first.finish();
  await running;
  expect(await gate.run(true, async () => "next")).toBe("next");
});

test("a call that fails gives its place back", async () => {
  const gate = openScoredGate();
  await expect(gate.run(true, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await gate.run(true, async () => "next")).toBe("next");
});
