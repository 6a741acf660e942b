import { afterAll, expect, test, vi } from "vitest";

const kept: Promise<unknown>[] = [];
vi.mock("cloudflare:workers", () => ({ waitUntil: (work: Promise<unknown>) => void kept.push(work) }));
afterAll(() => void vi.doUnmock("cloudflare:workers"));

// The file speaks of the platform: the tests' own compiler settings do not know it.
const path: string = "#edge/adapters/early.ts";
const { runAfterAnswer } = (await import(path)) as { runAfterAnswer(work: () => Promise<void>): void };

test("work is begun at once, while the request runs, and the platform keeps it going to its end", async () => {
  let state = "not begun";
  let finish = () => {};
  const gate = new Promise<void>((resolve) => (finish = resolve));
  runAfterAnswer(async () => {
    state = "begun";
    await gate;
    state = "ended";
  });
  expect([state, kept.length]).toEqual(["begun", 1]);
  finish();
  await kept[0];
  expect(state).toBe("ended");
});
