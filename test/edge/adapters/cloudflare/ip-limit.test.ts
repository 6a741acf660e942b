import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { cloudflareIpLimit } from "#edge/adapters/cloudflare/ip-limit.ts";
import { ipLimitContract } from "#test/contracts/ip-limit/ip-limit-contract.ts";
import { testClock } from "#test/support/fakes/clock.ts";

const found = import.meta.glob<string>("/wrangler.toml", { eager: true, query: "?raw", import: "default" });
const wranglerToml = found["/wrangler.toml"] ?? "";
const periodMs = 10_000;

/** A binding as Cloudflare documents it: one method, which counts a key and says whether it may pass in this period. */
function makeCounter(passing: number, now: () => number = () => 0) {
  const counts = new Map<string, number>();
  let period = 0;
  const limit = async ({ key }: { key: string }) => {
    const current = Math.floor(now() / periodMs);
    if (current !== period) counts.clear();
    period = current;
    const count = counts.get(key) ?? 0;
    if (count < passing) counts.set(key, count + 1);
    return { success: count < passing };
  };
  return { counts, limit };
}

const away = async () => Promise.reject(new Error("internal error"));

ipLimitContract(
  "Cloudflare ip limit",
  {
    callsMax: 20,
    // Its buckets begin at whole multiples of the period, and are empty again at once.
    windowMs: periodMs,
    hasWindow: false,
    lateMs: 0,
    openUnreachable: [() => cloudflareIpLimit({ counter: { limit: away }, now: () => 0 })],
  },
  () => {
    const { now, advance } = testClock(1_700_000_002_700);
    const counter = makeCounter(20, now);
    return { isolates: [cloudflareIpLimit({ counter, now }), cloudflareIpLimit({ counter, now })], now, advance };
  },
);

describe("the platform's count", () => {
  test("counts each network for itself, and a failed authentication once more", async () => {
    const counter = makeCounter(4);
    const limit = cloudflareIpLimit({ counter, now: () => 0 });
    expect(await limit.take("a")).toEqual({ isAllowed: true });
    await limit.penalize("a");
    expect(await limit.take("b")).toEqual({ isAllowed: true });
    expect(Object.fromEntries(counter.counts)).toEqual({ a: 2, b: 1 });
    await limit.take("a");
    expect((await limit.take("a")).isAllowed).toBe(true);
    expect((await limit.take("a")).isAllowed).toBe(false);
  });

  test("reports when its ten seconds are over, and no numbers: those are the platform's", async () => {
    for (const [nowMs, retryAfterMs] of [
      [1_700_000_000_000, 10_000],
      [1_700_000_002_700, 7_300],
      [1_700_000_009_999, 1],
    ] as const) {
      const limit = cloudflareIpLimit({ counter: makeCounter(0), now: () => nowMs });
      expect(await limit.take("a")).toEqual({ isAllowed: false, retryAfterMs, window: null });
    }
  });

  test("throws what the platform throws", async () => {
    const limit = cloudflareIpLimit({ counter: { limit: away }, now: () => 0 });
    await expect(limit.take("a")).rejects.toThrow("internal error");
    await expect(limit.penalize("a")).rejects.toThrow("internal error");
  });
});

describe("wrangler.toml", () => {
  test("binds it, and it counts as the adapter expects", async () => {
    const { IP_COUNTER } = env as unknown as { IP_COUNTER: RateLimit };
    expect(await cloudflareIpLimit({ counter: IP_COUNTER, now: Date.now }).take("a")).toEqual({ isAllowed: true });
    // Miniflare takes another limit with a call; 500 calls would take it longer than ten seconds on a slow machine.
    const counter = { limit: async (of: { key: string }) => IP_COUNTER.limit({ ...of, limit: 5 } as { key: string }) };
    const limit = cloudflareIpLimit({ counter, now: Date.now });
    const bucket = () => Math.floor(Date.now() / 10_000);
    const first = bucket();
    const verdicts = await Promise.all(Array.from({ length: 30 }, () => limit.take("b")));
    const passed = verdicts.filter(({ isAllowed }) => isAllowed).length;
    expect(passed).toBeGreaterThanOrEqual(5);
    expect(passed).toBeLessThanOrEqual(5 * (bucket() - first + 1));
  });

  test("binds it in every environment at the default rate, in the period reported to callers", () => {
    const found = [
      ...wranglerToml.matchAll(
        /^\[\[(.*)ratelimits]]\nname = "(\w+)"\nnamespace_id = "(\d+)"\nsimple = { limit = (\d+), period = (\d+) }$/gm,
      ),
    ];
    expect(found.map(([, environment, name, , limit, period]) => [environment, name, limit, period])).toEqual([
      ["", "IP_COUNTER", "500", "10"],
      ["env.production.", "IP_COUNTER", "500", "10"],
    ]);
    expect(new Set(found.map(([, , , id]) => id)).size).toBe(2);
  });
});
