import { isInRanges, networkOf, readIp } from "../agreements/ip.ts";
import type { IpRange } from "../agreements/records/key.ts";
import { reasonOf, Refusal } from "../errors.ts";
import { goDuration, windowHeaders } from "../protocol/rate-headers.ts";
import type { Visit } from "../visit.ts";
import type { IpLimit, IpVerdict, NearIpLimit } from "./port.ts";

/** The counters of callers by address, and the networks that are exempt. */
export interface IpLimits {
  /** This isolate's own counter; whoever exceeds it is not counted anywhere else. */
  near: NearIpLimit;
  /** The counter that isolates share, if there is one. */
  far: IpLimit | null;
  /** Networks that the operator does not limit. */
  exempt: IpRange[];
}

/**
 * Counts the caller's address. Throws a 429 when it is over the limit in this isolate; the returned promise rejects
 * with one when it is over the shared limit, and may be awaited late, or never. When the shared counter is unavailable
 * that is logged and the local one decides alone: this is only a shield, and the ledger behind it fails closed
 * (docs/decisions/0007).
 */
export function countCaller(visit: Visit, ips: IpLimits | null): Promise<void> {
  const network = countedNetwork(visit, ips);
  if (!ips || !network) return Promise.resolve();
  refuseOver(ips.near.take(network), "isolate");
  if (!ips.far) return Promise.resolve();
  const counted = countFar(visit, ips.far, network);
  // Without this, a refusal that is not awaited yet would be an unhandled rejection.
  counted.catch(() => undefined);
  return counted;
}

/**
 * Counts a call whose authentication failed once more, so that guessing is half as fast. Other failures do not count.
 */
export function countFailure(visit: Visit, ips: IpLimits | null, failure: unknown): void {
  if (!(failure instanceof Refusal) || failure.code !== "invalid_api_key") return;
  const network = countedNetwork(visit, ips);
  if (!ips || !network) return;
  ips.near.penalize(network);
  if (ips.far) visit.afterwards(ips.far.penalize(network));
}

/**
 * Reads the caller's address as 32 hex digits. Cloudflare's edge sets this header, and overwrites one that a caller
 * sends.
 */
export function callerIp(headers: Headers): string | null {
  return readIp(headers.get("cf-connecting-ip") ?? "");
}

async function countFar(visit: Visit, far: IpLimit, network: string): Promise<void> {
  const verdict = await far.take(network).catch((cause: unknown) => {
    visit.log("ip_limit_unreachable", { cause: reasonOf(cause) });
  });
  if (verdict) refuseOver(verdict, "shared");
}

/** Null for callers who are not counted: the platform gives no address, or the operator exempts it. */
function countedNetwork(visit: Visit, ips: IpLimits | null): string | null {
  const ip = ips && callerIp(visit.request.headers);
  return ips && ip && !isInRanges(ip, ips.exempt) ? networkOf(ip) : null;
}

function refuseOver(verdict: IpVerdict, by: "isolate" | "shared"): void {
  if (verdict.isAllowed) return;
  const { retryAfterMs, window } = verdict;
  const limit = window ? ` (the limit is ${window.limit} per second)` : "";
  throw new Refusal("rate_limit_exceeded", {
    say: `Rate limit reached: requests from your IP address${limit}. Try again in ${goDuration(retryAfterMs)}.`,
    retryAfterMs,
    headers: windowHeaders("requests", window && { ...window, remaining: 0 }),
    log: `address over its limit, by the ${by} count`,
  });
}
