import type { KeyId } from "../../agreements/tokens/ids.ts";
import { isolateDemandsMax, leaseBusyCalls, leaseCallsMax, leaseCostMicrosMax, leaseTokensMax } from "../../limits.ts";
import type { Amounts } from "../port.ts";

/** What a key's calls hold, second by second: of this one so far, and of the last whole one. */
interface KeyDemand {
  sinceMs: number;
  current: Demanded;
  last: Demanded;
}

/** What calls hold together, and for how long, at most, one of them does. */
interface Demanded extends Amounts {
  holdMsMax: number;
}

const secondMs = 1_000;
/** A lease is for somewhat more than what was used of late, so that a busy key seldom runs out of it. */
const headroom = 1.5;
const none: Demanded = { calls: 0, tokens: 0, costMicros: 0, holdMsMax: 0 };

/** How busy each key is in this isolate. */
export interface Demand {
  /** Counts a call of the key that holds so much, `holdMs` at most. */
  count(key: KeyId, need: Amounts & { holdMs: number }, nowMs: number): void;
  /** What the key may need in so many ms; `null` while it makes fewer than `leaseBusyCalls` calls a second. */
  expect(key: KeyId, ms: number, nowMs: number): Demanded | null;
}

/** Counts at most `keysMax` keys; the one that was quiet longest is forgotten first. */
export function openDemand(keysMax: number = isolateDemandsMax): Demand {
  const keys = new Map<KeyId, KeyDemand>();
  const turn = (demand: KeyDemand, nowMs: number) => {
    const ageMs = nowMs - demand.sinceMs;
    if (ageMs >= 0 && ageMs < secondMs) return;
    demand.last = ageMs >= secondMs && ageMs < 2 * secondMs ? demand.current : none;
    demand.current = none;
    demand.sinceMs = nowMs;
  };
  return {
    count(key, need, nowMs) {
      const demand = keys.get(key) ?? { sinceMs: nowMs, current: none, last: none };
      turn(demand, nowMs);
      demand.current = {
        calls: demand.current.calls + need.calls,
        tokens: demand.current.tokens + need.tokens,
        costMicros: demand.current.costMicros + need.costMicros,
        holdMsMax: Math.max(demand.current.holdMsMax, need.holdMs),
      };
      keys.delete(key);
      keys.set(key, demand);
      if (keys.size <= keysMax) return;
      for (const quietest of keys.keys()) return void keys.delete(quietest);
    },
    expect(key, ms, nowMs) {
      const demand = keys.get(key);
      if (!demand) return null;
      turn(demand, nowMs);
      const busiest = demand.current.calls >= demand.last.calls ? demand.current : demand.last;
      if (busiest.calls < leaseBusyCalls) return null;
      const { calls, tokens, costMicros } = busiest;
      // What no lease may be for is not asked for: the ledger would refuse the call that asks.
      const scale = Math.min((headroom * ms) / secondMs, leaseCallsMax / calls, leaseTokensMax / Math.max(1, tokens));
      return {
        calls: Math.min(leaseCallsMax, Math.ceil(calls * scale)),
        tokens: Math.min(leaseTokensMax, Math.ceil(tokens * scale)),
        costMicros: Math.min(leaseCostMicrosMax, Math.ceil(costMicros * scale)),
        // Whole seconds: of calls with one deadline some hold a few ms longer than others.
        holdMsMax: Math.ceil(Math.max(demand.current.holdMsMax, demand.last.holdMsMax) / secondMs) * secondMs,
      };
    },
  };
}
