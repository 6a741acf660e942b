import { generateBase62, type KeyId, type OrgId } from "../../agreements/tokens/ids.ts";
import type { LeasedTerms } from "../../agreements/tokens/lease.ts";
import { openDemand, type Demand } from "../../ledger/leases/demand.ts";
import { measureRequest, SpendableLease } from "../../ledger/leases/spend.ts";
import type { Grant, HoldRequest, Ledger, LeaseGrant, LeaseRequest } from "../../ledger/port.ts";
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

/** The leases of one isolate: which it has, which are on their way, and how busy their keys are. */
export class IsolateLeases {
  readonly #ledger: Ledger;
  readonly #options: LeaseOptions;
  readonly #demand: Demand = openDemand();
  readonly #leases = new Map<KeyId, SpendableLease[]>();
  /** Keys for which a lease is on its way. */
  readonly #pending = new Set<KeyId>();

  constructor(ledger: Ledger, options: LeaseOptions) {
    this.#ledger = ledger;
    this.#options = options;
  }

  /** Counts a call, admitted or not: its key is that busy. */
  count(request: HoldRequest): void {
    const need = { ...measureRequest(request), holdMs: request.ttlMs };
    this.#demand.count(request.key, need, this.#options.now());
  }

  /** Admits a call under a lease, if one covers it; renews that when it is nearly spent, behind the call. */
  admit(request: HoldRequest): Grant | null {
    const nowMs = this.#options.now();
    const mine = this.#leases.get(request.key);
    for (const lease of mine ?? []) {
      const grant = lease.admit(request, nowMs);
      if (!grant) continue;
      if (mine?.at(-1)?.isNearlySpent(nowMs)) this.#renew(request);
      return grant;
    }
    return null;
  }

  /** Takes back what a call held; false when its lease is not here any more. */
  giveBack(leased: LeasedTerms): boolean {
    const lease = this.#leases.get(leased.key)?.find(({ id }) => id === leased.lease);
    lease?.giveBack(leased);
    return lease !== undefined;
  }

  /** Asks for a lease with the admission of a call, if the key is busy and none is on its way. */
  async ask<Answer extends { lease?: LeaseGrant }>(
    request: HoldRequest,
    go: (wish: LeaseRequest | null) => Promise<Answer>,
  ): Promise<Answer> {
    const wish = this.#makeWish(request.key);
    if (!wish) return go(null);
    const requestedAtMs = this.#options.now();
    this.#pending.add(request.key);
    try {
      const answer = await go(wish);
      if (answer.lease) this.#keep(request.org, answer.lease, requestedAtMs);
      return answer;
    } finally {
      this.#pending.delete(request.key);
    }
  }

  #renew(request: HoldRequest): void {
    if (this.#pending.has(request.key)) return;
    const renew = async (wish: LeaseRequest | null) => {
      // When it fails, the lease that is being spent goes on to its end; then the ledger is asked.
      const lease = wish && (await this.#ledger.lease(request, wish).catch(() => null));
      return lease ? { lease } : {};
    };
    this.#options.later(async () => void (await this.ask(request, renew)));
  }

  #makeWish(key: KeyId): LeaseRequest | null {
    if (this.#pending.has(key) || (!this.#leases.has(key) && this.#leases.size >= isolateLeasesMax)) return null;
    const { leaseMs, now, random } = this.#options;
    const expected = this.#demand.expect(key, leaseMs, now());
    return expected && { id: `lease_${generateBase62(22, random)}`, ttlMs: leaseMs, ...expected };
  }

  #keep(org: OrgId, grant: LeaseGrant, requestedAtMs: number): void {
    const lease = new SpendableLease(grant, requestedAtMs);
    const { id } = grant.key;
    this.#leases.set(id, [...(this.#leases.get(id) ?? []), lease]);
    this.#options.later(() => this.#end(org, id, lease));
  }

  async #end(org: OrgId, key: KeyId, lease: SpendableLease): Promise<void> {
    const { now, wait } = this.#options;
    await wait(lease.msLeft(now()));
    const others = this.#leases.get(key)?.filter((other) => other !== lease) ?? [];
    if (others.length > 0) this.#leases.set(key, others);
    else this.#leases.delete(key);
    const closing = lease.close();
    for (const retryMs of [...closeRetryMs, null]) {
      const isClosed = await this.#ledger.closeLease(org, closing).then(
        () => true,
        () => false,
      );
      // A ledger that was not told gives back by itself what nobody settles.
      if (isClosed || retryMs === null) return;
      await wait(retryMs);
    }
  }
}
