import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis/cloudflare";
import { RedisError, type RedisOptions } from "./redis.ts";

/** How an address stands: how many calls a second it has, how many are left, and in how many ms all are. */
export interface IpVerdict {
  isAllowed: boolean;
  limit: number;
  remaining: number;
  resetMs: number;
}

/** Counts callers by address before anything costs. `ip` is 32 hex digits (agreements/ip.ts). */
export interface IpLimit {
  /** Counts one call. Throws when it could not be counted. */
  take(ip: string): Promise<IpVerdict>;
  /** Counts a failed authentication once more, so that guessing is half as fast. */
  penalize(ip: string): Promise<void>;
}

export interface IpLimitOptions extends RedisOptions {
  perSecond: number;
  /** Networks that the operator does not limit. */
  exempt: { from: string; to: string }[];
  now: () => number;
}

/** Refused addresses that an isolate remembers, so that a flood costs Redis nothing; each for as long as it is refused. */
const cachedMax = 10_000;

/**
 * A sliding second in Redis, by `@upstash/ratelimit`. An address that was refused is refused again without a request until its second has passed. The SDK lets
 * calls pass when Redis is slow: that is taken as a failure here.
 */
export function upstashIpLimit(options: IpLimitOptions): IpLimit {
  const { url, token, waitMsMax, perSecond, exempt, now } = options;
  const redis = new Redis({ url, token, signal: () => AbortSignal.timeout(waitMsMax), retry: { retries: 0 }, enableTelemetry: false, readYourWrites: false });
  const cache = new Map<string, number>();
  const limiter = new Ratelimit({ redis, limiter: Ratelimit.slidingWindow(perSecond, "1 s"), prefix: "penstock:ip", ephemeralCache: cache, timeout: waitMsMax });
  const isExempt = (ip: string) => exempt.some(({ from, to }) => from <= ip && ip <= to);
  const count = async (ip: string): Promise<IpVerdict> => {
    if (isExempt(ip)) return { isAllowed: true, limit: perSecond, remaining: perSecond, resetMs: 0 };
    if (cache.size > cachedMax) cache.clear();
    const { success, limit, remaining, reset, reason } = await limiter.limit(networkOf(ip)).catch(() => {
      throw new RedisError("redis: the address could not be counted");
    });
    if (reason === "timeout") throw new RedisError(`redis: no answer within ${waitMsMax} ms`);
    return { isAllowed: success, limit, remaining: Math.max(0, remaining), resetMs: Math.max(0, reset - now()) };
  };
  return {
    take: count,
    penalize: async (ip) => void (await count(ip)),
  };
}

/** What is counted as one: an IPv4 address, or the /64 of an IPv6 one, which is the least that a home is given. */
export function networkOf(ip: string): string {
  return ip.startsWith(mappedV4) ? ip : ip.slice(0, 16);
}

const mappedV4 = "0".repeat(20) + "ffff";
