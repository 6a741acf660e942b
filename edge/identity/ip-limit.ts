import { isInRanges, networkOf, readIp } from "../agreements/ip.ts";
import type { IpRange } from "../agreements/records/key.ts";
import { reasonOf, Refusal } from "../errors.ts";
import { goDuration, windowHeaders } from "../protocol/rate-headers.ts";
import type { Visit } from "../visit.ts";
import type { IpLimit, IpVerdict, NearIpLimit } from "./port.ts";

/** Who counts callers by address, and whom nobody counts. */
export interface IpLimits {
  /** Who is over the limit here is not asked for elsewhere. */
  near: NearIpLimit;
  /** The count that isolates share, if there is one. */
  far: IpLimit | null;
  /** Networks that the operator does not limit. */
  exempt: IpRange[];
}

/**
 * Counts the caller's address. Throws a 429 when it has had its share in this isolate; what is returned rejects with
 * one when it has had its share elsewhere, and may be awaited late, or never. A shared count that is out of reach is
 * logged, and the near one decides alone: this is a shield, and the ledger behind it fails closed
 * (docs/decisions/0007).
 */
export function countCaller(visit: Visit, ips: IpLimits | null): Promise<void> {
  const network = countedNetwork(visit, ips);
  if (!ips || !network) return Promise.resolve();
  refuseOver(ips.near.take(network), "isolate");
  if (!ips.far) return Promise.resolve();
  const counted = countFar(visit, ips.far, network);
  // Until somebody awaits it, a refusal is not an error that nobody handles.
  counted.catch(() => undefined);
  return counted;
}

/**
 * Counts a call once more whose authentication failed, so that guessing is half as fast. Other failures are not
 * counted.
 */
export function countFailure(visit: Visit, ips: IpLimits | null, failure: unknown): void {
  if (!(failure instanceof Refusal) || failure.code !== "invalid_api_key") return;
  const network = countedNetwork(visit, ips);
  if (!ips || !network) return;
  ips.near.penalize(network);
  if (ips.far) visit.afterwards(ips.far.penalize(network));
}

/**
 * The caller's address as 32 hex digits. Its header is set by Cloudflare's edge, and overwritten there when a caller
 * sends it herself.
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

/** Null for who is not counted: an address that the platform does not tell, or that the operator lists. */
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
