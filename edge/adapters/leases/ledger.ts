import { generateBase62, type KeyId, type OrgId } from "../../agreements/tokens/ids.ts";
import { openDemand } from "../../ledger/leases/demand.ts";
import { isPlain, measureRequest, SpendableLease } from "../../ledger/leases/spend.ts";
import type { HoldRequest, Ledger, LeaseGrant, LeaseRequest } from "../../ledger/port.ts";
import { isolateLeasesMax } from "../../limits.ts";

/** How leases are asked for and closed. */
export interface LeaseOptions {
  /** How long one lives; 0 for none at all. */
  leaseMs: number;
  /** The isolate's clock, Unix ms. */
  now: () => number;
  random: (bytes: number) => Uint8Array;
  /** Starts work that goes on after the answer (`waitUntil`). */
  later: (work: () => Promise<void>) => void;
  /** How it waits for the end of a lease. */
  wait: (ms: number) => Promise<void>;
}

/** The waits before each repeated closing, in ms. */
const closeRetryMs = [500, 2_000, 8_000];

/**
 * Makes any ledger lease: an isolate admits the calls of a busy key by itself, from what the ledger has set aside for it
 * before (leases/lease.ts), and asks about all else. The ledger hears of such a call when it ends, by the terms that
 * travel with it. With `leaseMs` 0 it is the ledger itself.
 */
export function leasingLedger(ledger: Ledger, options: LeaseOptions): Ledger {
  const { leaseMs, now, later } = options;
  if (leaseMs === 0) return ledger;
  const demand = openDemand();
  const leases = new Map<KeyId, SpendableLease[]>();
  /** Keys for which a lease is on its way. */
  const pending = new Set<KeyId>();

  const makeWish = (key: KeyId): LeaseRequest | null => {
    if (pending.has(key) || (!leases.has(key) && leases.size >= isolateLeasesMax)) return null;
    const expected = demand.expect(key, leaseMs, now());
    return expected && { id: `lease_${generateBase62(22, options.random)}`, ttlMs: leaseMs, ...expected };
  };

  const keep = (org: OrgId, grant: LeaseGrant | null | undefined, askedAtMs: number) => {
    if (!grant) return;
    const lease = new SpendableLease(grant, askedAtMs);
    leases.set(grant.key.id, [...(leases.get(grant.key.id) ?? []), lease]);
    later(() => endLease(org, grant.key.id, lease));
  };

  const endLease = async (org: OrgId, key: KeyId, lease: SpendableLease) => {
    await options.wait(lease.msLeft(now()));
    const others = leases.get(key)?.filter((other) => other !== lease) ?? [];
    if (others.length > 0) leases.set(key, others);
    else leases.delete(key);
    const closing = lease.close();
    for (const retryMs of [...closeRetryMs, null]) {
      const isClosed = await ledger.closeLease(org, closing).then(
        () => true,
        () => false,
      );
      // A ledger that was not told gives back by itself what nobody settles.
      if (isClosed || retryMs === null) return;
      await options.wait(retryMs);
    }
  };

  const renew = async (request: HoldRequest, wish: LeaseRequest) => {
    const askedAtMs = now();
    try {
      keep(request.org, await ledger.lease(request, wish), askedAtMs);
    } catch {
      // The lease that is being spent goes on to its end; the ledger is asked about the calls after it.
    } finally {
      pending.delete(request.key);
    }
  };

  const admitByLease = (request: HoldRequest) => {
    const nowMs = now();
    const mine = leases.get(request.key);
    for (const lease of mine ?? []) {
      const grant = lease.admit(request, nowMs);
      if (!grant) continue;
      const wish = mine?.at(-1)?.isNearlySpent(nowMs) ? makeWish(request.key) : null;
      if (wish) {
        pending.add(request.key);
        later(() => renew(request, wish));
      }
      return grant;
    }
    return null;
  };

  return {
    ...ledger,
    async admit(request) {
      demand.count(request.key, measureRequest(request), now());
      if (!isPlain(request)) return ledger.admit(request);
      const grant = admitByLease(request);
      if (grant) return grant;
      const wish = makeWish(request.key);
      if (!wish) return ledger.admit(request);
      pending.add(request.key);
      const askedAtMs = now();
      try {
        const answer = await ledger.admit({ ...request, lease: wish });
        if (answer.kind === "grant") keep(request.org, answer.lease, askedAtMs);
        return answer;
      } finally {
        pending.delete(request.key);
      }
    },
    async release(org, hold, mayRun = false, leased = undefined) {
      const lease = leased && !mayRun ? leases.get(leased.key)?.find(({ id }) => id === leased.lease) : undefined;
      if (!lease || !leased) return ledger.release(org, hold, mayRun, leased);
      lease.giveBack(leased);
      return { hold, result: "released" };
    },
  };
}
