import type { IpLimit } from "../../identity/port.ts";

/** What the platform binds (`RateLimit`), as far as it is used. */
interface Counter {
  limit(of: { key: string }): Promise<{ success: boolean }>;
}

/**
 * The period that wrangler.toml gives the binding. Its buckets begin at whole multiples of it
 * (cloudflare/workers-sdk#14968).
 */
const periodMs = 10_000;

/**
 * Cloudflare's rate-limit binding: counts calls per Cloudflare location, without a round trip, in buckets of ten
 * seconds. It is permissive by design: machines of a location share their counts late, so it slows a lasting flood and
 * not a burst. Its numbers stand in wrangler.toml, where the Worker cannot read them.
 */
export function cloudflareIpLimit({ counter, now }: { counter: Counter; now: () => number }): IpLimit {
  return {
    take: async (network) => {
      const { success } = await counter.limit({ key: network });
      return success
        ? { isAllowed: true }
        : { isAllowed: false, retryAfterMs: periodMs - (now() % periodMs), window: null };
    },
    penalize: async (network) => void (await counter.limit({ key: network })),
  };
}
