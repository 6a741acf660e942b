import type { LocalIpLimit } from "../../identity/port.ts";

/**
 * Networks remembered at most. Each is empty again 2 s after its last call at the latest; when more than so many are
 * not, all are forgotten.
 */
const networksMax = 10_000;

/** A call in the meter's own unit, which makes `perSecond` units leak in a ms, exactly. */
const callUnits = 1_000;

/** What a network has poured in, as of `atMs`. */
interface Meter {
  units: number;
  atMs: number;
}

/**
 * This isolate's own count: a leaky bucket a network that holds one second's calls and leaks as many a second. So
 * `perSecond` may come at once and as many each second, and in no second more than twice as many; a caller who waits
 * `retryAfterMs` passes. A penalty is counted even where a call would be refused, up to a second's worth.
 */
export function memoryIpLimit({ perSecond, now }: { perSecond: number; now: () => number }): LocalIpLimit {
  const meters = new Map<string, Meter>();
  const unitsMax = perSecond * callUnits;
  const readUnits = (meter: Meter | undefined, atMs: number) => {
    if (!meter) return 0;
    // A clock that steps back must not lock anybody out until it has caught up.
    if (atMs < meter.atMs) meter.atMs = atMs;
    return Math.max(0, meter.units - (atMs - meter.atMs) * perSecond);
  };
  const addCall = (network: string, units: number, atMs: number) => {
    if (meters.size >= networksMax && !meters.has(network)) forget(meters, (meter) => readUnits(meter, atMs) === 0);
    meters.set(network, { units: Math.min(units + callUnits, 2 * unitsMax), atMs });
  };
  return {
    take: (network) => {
      const atMs = now();
      const units = readUnits(meters.get(network), atMs);
      const excess = units + callUnits - unitsMax;
      if (excess > 0)
        return {
          isAllowed: false,
          retryAfterMs: Math.ceil(excess / perSecond),
          window: { limit: perSecond, resetMs: Math.ceil(units / perSecond) },
        };
      addCall(network, units, atMs);
      return { isAllowed: true };
    },
    penalize: (network) => {
      const atMs = now();
      addCall(network, readUnits(meters.get(network), atMs), atMs);
    },
  };
}

function forget(meters: Map<string, Meter>, isEmpty: (meter: Meter) => boolean): void {
  for (const [network, meter] of meters) if (isEmpty(meter)) meters.delete(network);
  if (meters.size >= networksMax) meters.clear();
}
