import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis/cloudflare";
import { OutOfReach } from "../../errors.ts";
import type { IpLimit } from "../../identity/port.ts";
import { goneAfterWaits, Semaphore } from "./ledger/semaphore.ts";
import type { RedisOptions } from "./client.ts";

/** Where Redis is, how many calls of a network may pass in a second, and the clock, Unix ms. */
export interface UpstashIpLimitOptions extends RedisOptions {
  perSecond: number;
  now: () => number;
}

/**
 * Addresses that one isolate has Redis count at a time; in a flood that comes from everywhere the others are left to
 * the isolate's own count.
 */
const underWayMax = 64;
/**
 * Refused networks that an isolate remembers, so that a flood costs Redis nothing; each for as long as it is refused.
 */
const cachedMax = 10_000;

/**
 * A sliding second in Redis, by `@upstash/ratelimit`: one count for all edges, one HTTP request a call. A network that
 * was refused is refused again without a request until its second has passed. The SDK's own timeout lets calls pass
 * when Redis is slow: it is off, and slow is a failure like the rest.
 */
export function upstashIpLimit(options: UpstashIpLimitOptions): IpLimit {
  const { url, token, waitMsMax, perSecond, now } = options;
  const redis = new Redis({
    url,
    token,
    signal: () => AbortSignal.timeout(waitMsMax),
    retry: { retries: 0 },
    // Each call waits for a request of its own; how many do so at a time is bounded by `underWayMax`.
    enableAutoPipelining: false,
    enableTelemetry: false,
    readYourWrites: false,
  });
  const cache = new Map<string, number>();
  const limiter = new Ratelimit({
    redis,
    limiter: Ratelimit.slidingWindow(perSecond, "1 s"),
    prefix: "penstock:ip",
    ephemeralCache: cache,
    timeout: 0,
  });
  const semaphore = new Semaphore(underWayMax, goneAfterWaits * waitMsMax, now);
  const count = async (network: string) => {
    if (cache.size > cachedMax) cache.clear();
    const permit = semaphore.acquire();
    if (!permit) throw new OutOfReach(`redis: ${underWayMax} addresses are being counted`, false);
    return limiter
      .limit(network)
      .catch(() => {
        throw new OutOfReach("redis: the address could not be counted");
      })
      .finally(() => semaphore.release(permit));
  };
  return {
    take: async (network) => {
      const { success, limit, reset } = await count(network);
      if (success) return { isAllowed: true };
      const retryAfterMs = Math.max(1, reset - now());
      // The second that is full weighs on the next one, less and less.
      return { isAllowed: false, retryAfterMs, window: { limit, resetMs: retryAfterMs + 1_000 } };
    },
    penalize: async (network) => void (await count(network)),
  };
}
