import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryIpLimit } from "#edge/adapters/memory/ip-limit.ts";
import { ipLimitContract } from "#test/contracts/ip-limit/ip-limit-contract.ts";
import { testClock } from "#test/support/fakes/clock.ts";

function open(perSecond: number) {
  const clock = testClock(1_700_000_000_123);
  return { clock, ...memoryIpLimit({ perSecond, now: clock.now }) };
}
/** How many of `calls` at once pass. */
function burst({ take }: ReturnType<typeof open>, network: string, calls: number): number {
  return Array.from({ length: calls }, () => take(network)).filter(({ isAllowed }) => isAllowed).length;
}

ipLimitContract(
  "memory ip limit",
  { callsMax: 20, windowMs: 1_000, hasWindow: true, lateMs: 0, openUnreachable: [] },
  () => {
    const { clock, take, penalize } = open(20);
    const limit = { take: async (name: string) => take(name), penalize: async (name: string) => penalize(name) };
    return { isolates: [limit], now: clock.now, advance: clock.advance };
  },
);

describe("an isolate's own count", () => {
  test("lets a second's calls pass at once, then as many each second, and no network pays for another", () => {
    const limit = open(50);
    expect(burst(limit, "a", 200)).toBe(50);
    expect(burst(limit, "b", 200)).toBe(50);
    for (const [ms, passed] of [
      [100, 5],
      [1, 0],
      [19, 1],
      [1_000, 50],
      [60_000, 50],
    ] as const) {
      limit.clock.advance(ms);
      expect(burst(limit, "a", 200), `${ms} ms later`).toBe(passed);
    }
  });

  test("a clock that steps back refunds nothing and locks nobody out", () => {
    const limit = open(10);
    expect(burst(limit, "a", 10)).toBe(10);
    limit.clock.advance(-3_600_000);
    expect(burst(limit, "a", 10)).toBe(0);
    limit.clock.advance(500);
    expect(burst(limit, "a", 10)).toBe(5);
  });

  test("guessing is half as fast, in turn and all at once", () => {
    const inTurn = open(50);
    let guesses = 0;
    while (inTurn.take("a").isAllowed) {
      guesses++;
      inTurn.penalize("a");
    }
    expect(guesses).toBe(25);
    const atOnce = open(50);
    const passedAtOnce = burst(atOnce, "a", 200);
    for (let i = 0; i < passedAtOnce; i++) atOnce.penalize("a");
    let later = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      atOnce.clock.advance(10);
      const { isAllowed } = atOnce.take("a");
      if (isAllowed) later++;
      if (isAllowed) atOnce.penalize("a");
    }
    // The second after a burst pays for its penalties; then 25 a second.
    expect(later).toBeGreaterThanOrEqual(224);
    expect(later).toBeLessThanOrEqual(226);
  });
});

test("however many penalties come late, an address is itself again after two seconds", () => {
  const limit = open(10);
  for (let i = 0; i < 1_000; i++) limit.penalize("a");
  expect(limit.take("a")).toMatchObject({ isAllowed: false, retryAfterMs: 1_100, window: { resetMs: 2_000 } });
  limit.clock.advance(2_000);
  expect(burst(limit, "a", 20)).toBe(10);
});

describe("whatever comes when", () => {
  const steps = fc.array(fc.record({ ms: fc.nat({ max: 400 }), isGuess: fc.boolean() }), { maxLength: 300 });

  test("no span of time has more calls than fit: a second's burst and the rate", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), steps, (perSecond, walk) => {
        const limit = open(perSecond);
        const passedAtMs: number[] = [];
        for (const { ms, isGuess } of walk) {
          limit.clock.advance(Math.floor(ms / 10));
          if (!limit.take("a").isAllowed) continue;
          passedAtMs.push(limit.clock.now());
          if (isGuess) limit.penalize("a");
        }
        for (const [index, fromMs] of passedAtMs.entries()) {
          for (const [after, toMs] of passedAtMs.slice(index).entries())
            expect(after + 1).toBeLessThanOrEqual(perSecond + ((toMs - fromMs) * perSecond) / 1_000);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("a caller who waits as long as the answer says passes, one a ms earlier does not", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), steps, (perSecond, walk) => {
        const limit = open(perSecond);
        for (const { ms, isGuess } of walk) {
          limit.clock.advance(Math.floor(ms / 10));
          const verdict = limit.take("a");
          if (verdict.isAllowed && isGuess) limit.penalize("a");
          if (verdict.isAllowed) continue;
          expect(verdict.retryAfterMs).toBeGreaterThanOrEqual(1);
          expect(verdict.window).toMatchObject({ limit: perSecond });
          limit.clock.advance(verdict.retryAfterMs - 1);
          expect(limit.take("a").isAllowed).toBe(false);
          limit.clock.advance((verdict.window?.resetMs ?? 0) - verdict.retryAfterMs + 1);
          expect(burst(limit, "a", perSecond + 1)).toBe(perSecond);
          limit.clock.advance(2_000);
        }
      }),
      { numRuns: 100 },
    );
  });
});

test("memory is bounded: what is empty is forgotten first, and a flood of networks forgets them all", () => {
  const limit = open(1);
  const flood = (count: number, name: string) =>
    void Array.from({ length: count }, (_, index) => limit.take(`${name}${index}`));
  flood(9_999, "old");
  limit.clock.advance(1_000);
  limit.take("kept");
  flood(1, "new");
  expect(limit.take("kept").isAllowed).toBe(false);
  flood(9_998, "more");
  expect(limit.take("kept").isAllowed).toBe(false);
  flood(1, "last");
  expect(limit.take("kept").isAllowed).toBe(true);
});
