import { isInRanges, findNetwork, readIp } from "../agreements/ip.ts";
import type { IpRange } from "../agreements/records/key.ts";
import { describeCause, Refusal } from "../errors.ts";
import { formatDuration, buildWindowHeaders } from "../protocol/rate-headers.ts";
import type { Visit } from "../visit.ts";
import type { IpLimit, IpDecision, LocalIpLimit } from "./port.ts";

/** The counters of callers by address, and the networks that are exempt. */
export interface IpLimits {
  /** This isolate's own counter; whoever exceeds it is not counted anywhere else. */
  local: LocalIpLimit;
  /** The counter that isolates share, if there is one. */
  shared: IpLimit | null;
  /** Networks that the operator does not limit. */
  exempt: IpRange[];
  /** The header that tells a caller's address; null where none may be believed, and then nobody is counted. */
  header: string | null;
}

/**
 * Counts the caller's address. Throws a 429 when it is over the limit in this isolate; the returned promise rejects
 * with one when it is over the shared limit, and may be awaited late, or never. When the shared counter is unavailable
 * that is logged and the local one decides alone: this is only a shield, and the ledger behind it fails closed
 * (docs/decisions/0007).
 */
export function countCaller(visit: Visit, ips: IpLimits | null): Promise<void> {
  const network = findCountedNetwork(visit, ips);
  if (!ips || !network) return Promise.resolve();
  refuseExceeded(ips.local.take(network), "isolate");
  if (!ips.shared) return Promise.resolve();
  const counted = countShared(visit, ips.shared, network);
  // Without this, a refusal that is not awaited yet would be an unhandled rejection.
  counted.catch(() => undefined);
  return counted;
}

/**
 * Counts a call whose authentication failed once more, so that guessing is half as fast. Other failures do not count.
 */
export function countFailure(visit: Visit, ips: IpLimits | null, failure: unknown): void {
  if (!(failure instanceof Refusal) || failure.code !== "invalid_api_key") return;
  const network = findCountedNetwork(visit, ips);
  if (!ips || !network) return;
  ips.local.penalize(network);
  if (ips.shared) visit.afterwards(ips.shared.penalize(network));
}

/**
 * Counts a failed authentication where calls are not counted: nodes call as often as they must, whoever forges their
 * signature is over the limit as soon as a guesser of keys. Throws the 429 in place of the 401 then.
 */
export async function countForgery(visit: Visit, ips: IpLimits | null, failure: unknown): Promise<void> {
  if (!(failure instanceof Refusal) || failure.code !== "invalid_api_key") return;
  await countCaller(visit, ips);
  countFailure(visit, ips, failure);
}

/**
 * Reads the caller's address as 32 hex digits, from the header that whoever stands before us sets, and overwrites when
 * a caller sends it (`CLIENT_IP_HEADER`).
 */
export function readCallerIp(headers: Headers, name: string | null): string | null {
  return name === null ? null : readIp(headers.get(name) ?? "");
}

async function countShared(visit: Visit, shared: IpLimit, network: string): Promise<void> {
  const decision = await shared.take(network).catch((cause: unknown) => {
    visit.log("ip_limit_unreachable", { cause: describeCause(cause) });
  });
  if (decision) refuseExceeded(decision, "shared");
}

/** Null for callers who are not counted: the platform gives no address, or the operator exempts it. */
function findCountedNetwork(visit: Visit, ips: IpLimits | null): string | null {
  const ip = ips && readCallerIp(visit.request.headers, ips.header);
  return ips && ip && !isInRanges(ip, ips.exempt) ? findNetwork(ip) : null;
}

function refuseExceeded(decision: IpDecision, by: "isolate" | "shared"): void {
  if (decision.isAllowed) return;
  const { retryAfterMs, window } = decision;
  const limit = window ? ` (the limit is ${window.limit} per second)` : "";
  throw new Refusal("rate_limit_exceeded", {
    message: `Rate limit reached: requests from your IP address${limit}. Try again in ${formatDuration(retryAfterMs)}.`,
    retryAfterMs,
    headers: buildWindowHeaders("requests", window && { ...window, remaining: 0 }),
    log: `address over its limit, by the ${by} count`,
  });
}
