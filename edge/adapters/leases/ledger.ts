import { isPlain } from "../../ledger/leases/spend.ts";
import type { Denial, Grant, Ledger } from "../../ledger/port.ts";
import { IsolateLeases, type LeaseOptions } from "./isolate-leases.ts";

/**
 * Makes any ledger lease: an isolate admits the calls of a busy key by itself, from what the ledger has set aside for
 * it before (ledger/leases/lease.ts), and asks about all else. The ledger hears of such a call when it ends, by the
 * terms that travel with it. With `leaseMs` 0 it is the ledger itself.
 */
export function leasingLedger(ledger: Ledger, options: LeaseOptions): Ledger {
  if (options.leaseMs === 0) return ledger;
  const leases = new IsolateLeases(ledger, options);
  return {
    ...ledger,
    async admit(request) {
      leases.count(request);
      if (!isPlain(request)) return ledger.admit(request);
      const grant = leases.admit(request);
      if (grant) return grant;
      return leases.ask<Grant | (Denial & { lease?: never })>(request, (wish) =>
        ledger.admit(wish ? { ...request, lease: wish } : request),
      );
    },
    async release(org, hold, mayRun = false, leased = undefined) {
      if (leased && !mayRun && leases.giveBack(leased)) return { hold, result: "released" };
      return ledger.release(org, hold, mayRun, leased);
    },
  };
}
