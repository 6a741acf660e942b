import { describe, expect, test } from "vitest";
import { openDrain } from "#origin/calls/drain.ts";

describe("draining", () => {
  test("waits for calls to end by themselves, and cuts none of them", async () => {
    const live = new Set([new AbortController()]);
    const [call] = live;
    const drain = openDrain(live, () => {});
    setTimeout(() => live.clear(), 50);
    await drain.finish(5_000);
    expect(call?.signal.aborted).toBe(false);
  });

  test("cuts calls after its deadline, with the reason, and does not wait for ever for those it cut", async () => {
    const live = new Set([new AbortController()]);
    const [call] = live;
    call?.signal.addEventListener("abort", () => live.clear());
    await openDrain(live, () => {}).finish(30);
    expect(call?.signal.reason).toMatchObject({ outcome: "failed", refusal: { code: "stream_broken" } });
  });

  test("hurry ends the waiting", async () => {
    const live = new Set([new AbortController()]);
    for (const call of live) call.signal.addEventListener("abort", () => live.clear());
    const drain = openDrain(live, () => {});
    setTimeout(drain.hurry, 30);
    const startedAtMs = performance.now();
    await drain.finish(60_000);
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });

  test("reports each change once, and can be cancelled", () => {
    let changes = 0;
    const drain = openDrain(new Set(), () => changes++);
    drain.begin();
    drain.begin();
    expect(drain.isDraining).toBe(true);
    drain.cancel();
    expect([drain.isDraining, changes]).toEqual([false, 2]);
  });
});
