import { describe, expect, test } from "vitest";
import type { IpDecision, IpLimit } from "#edge/identity/port.ts";

/** Where the adapters differ, as data: the promises below are the same for all. */
export interface IpLimitFacts {
  /** So many calls of a network fit a window, at once or one by one. Even. */
  callsMax: number;
  windowMs: number;
  /** Does a refusal tell the window's numbers, or does only the platform know them? */
  hasWindow: boolean;
  /** So long after `retryAfterMs` the next call passes at the latest. */
  lateMs: number;
  /** Limits whose counter is out of reach; none where counting takes no I/O and so cannot fail. */
  openUnreachable: (() => IpLimit)[];
}

/** Limits of several isolates that share one count (one, where each counts for itself), and their clock. */
export interface OpenedIpLimits {
  isolates: [IpLimit, ...IpLimit[]];
  now: () => number;
  advance: (ms: number) => void | Promise<void>;
}

/** Every promise of `IpLimit`, for any adapter that keeps it. No two networks of a run are alike. */
export function ipLimitContract(adapter: string, facts: IpLimitFacts, open: () => OpenedIpLimits): void {
  const { callsMax, windowMs, hasWindow, lateMs, openUnreachable } = facts;
  let networks = 0;
  const freshNetwork = () => `${adapter.replaceAll(" ", "-")}-${networks++}`;
  /** How many windows a test has touched since then: one, where the clock stands. */
  const countWindows = ({ now }: OpenedIpLimits, fromMs: number) =>
    Math.floor(now() / windowMs) - Math.floor(fromMs / windowMs) + 1;
  const burst = async ({ isolates }: OpenedIpLimits, network: string, calls: number): Promise<IpDecision[]> =>
    Promise.all(
      Array.from({ length: calls }, (_, index) => (isolates[index % isolates.length] ?? isolates[0]).take(network)),
    );
  const countPassed = (decisions: IpDecision[]) => decisions.filter(({ isAllowed }) => isAllowed).length;
  /** Calls until some are refused, and answers the last refusal. */
  const exhaust = async (opened: OpenedIpLimits, network: string) => {
    for (let i = 0; i < 100; i++) {
      const refused = (await burst(opened, network, 2 * callsMax)).flatMap((one) => (one.isAllowed ? [] : [one]));
      const last = refused.at(-1);
      if (last) return last;
    }
    throw new Error("nothing was refused");
  };

  describe(`${adapter}: a limit by address`, () => {
    test("lets as many pass as fit its window, and no more, over all isolates that share the count", async () => {
      const opened = open();
      const network = freshNetwork();
      const fromMs = opened.now();
      const passed = countPassed(await burst(opened, network, 3 * callsMax));
      expect(passed).toBeGreaterThanOrEqual(callsMax);
      expect(passed).toBeLessThanOrEqual(callsMax * countWindows(opened, fromMs));
    });

    test("counts each network for itself", async () => {
      const opened = open();
      await exhaust(opened, freshNetwork());
      const other = freshNetwork();
      expect(countPassed(await burst(opened, other, callsMax))).toBe(callsMax);
    });

    test("reports to a refused caller when to retry, and what it knows of the window", async () => {
      const opened = open();
      const { retryAfterMs, window } = await exhaust(opened, freshNetwork());
      expect(retryAfterMs).toBeGreaterThanOrEqual(1);
      expect(retryAfterMs).toBeLessThanOrEqual(windowMs);
      expect(Number.isInteger(retryAfterMs)).toBe(true);
      expect(window?.limit).toBe(hasWindow ? callsMax : undefined);
      expect(window === null || window.resetMs >= retryAfterMs).toBe(true);
    });

    test("lets a caller pass who has waited for the time in its refusal", async () => {
      const opened = open();
      const network = freshNetwork();
      const { retryAfterMs } = await exhaust(opened, network);
      await opened.advance(retryAfterMs + lateMs);
      expect(await opened.isolates[0].take(network)).toEqual({ isAllowed: true });
    });

    test("has room for a whole burst again at the reported reset", async () => {
      const opened = open();
      const network = freshNetwork();
      const { retryAfterMs, window } = await exhaust(opened, network);
      await opened.advance(window?.resetMs ?? retryAfterMs);
      expect(countPassed(await burst(opened, network, callsMax))).toBe(callsMax);
    });

    test("makes guessing half as fast: a penalty counts as a call does", async () => {
      const opened = open();
      const network = freshNetwork();
      const [limit] = opened.isolates;
      const fromMs = opened.now();
      let guesses = 0;
      for (; guesses < 100 * callsMax && (await limit.take(network)).isAllowed; guesses++)
        await limit.penalize(network);
      expect(guesses).toBeGreaterThanOrEqual(callsMax / 2);
      expect(guesses).toBeLessThanOrEqual((callsMax / 2) * countWindows(opened, fromMs));
    });

    for (const openLimit of openUnreachable)
      test("throws when its counter is out of reach: what that means the room decides", async () => {
        await expect(openLimit().take(freshNetwork())).rejects.toThrow();
        await expect(openLimit().penalize(freshNetwork())).rejects.toThrow();
      });
  });
}
