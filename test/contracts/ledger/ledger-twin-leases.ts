import * as fc from "fast-check";
import { leaseCallsMax, leaseCostMicrosMax, leaseTokensMax } from "#edge/limits.ts";
import { checkLeased } from "#edge/ledger/check.ts";
import type { LeaseClosing, LeaseGrant, LeaseRequest } from "#edge/ledger/port.ts";
import type { HoldId, OrgId } from "#edge/agreements/tokens/ids.ts";
import type { LeasedTerms } from "#edge/agreements/tokens/lease.ts";
import { freshHold, freshLease, keyId, projectId } from "./ledger-fixtures.ts";

/** What a history remembers of leases: those that were given, newest last, and the calls that were made under them. */
export interface LeaseMemory {
  given: LeaseGrant[];
  calls: { hold: HoldId; terms: LeasedTerms }[];
}

const most = { calls: leaseCallsMax, tokens: leaseTokensMax, costMicros: leaseCostMicrosMax };
const dayMs = 24 * 3_600_000;
/** How long the calls of most leases may hold. */
export const wishedHoldMs = 930_000;
const price = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(0, 1, 150_000, 3_300_001) }, fc.constant(2 ** 40 + 1));
const few = fc.oneof({ weight: 9, arbitrary: fc.nat(40) }, fc.nat(2_000));

/** A lease that is asked for. `again`: by the name of one that was given. */
export const wish = fc.record({
  again: fc.nat(12),
  ttlMs: fc.constantFrom(1, 500, 1_000, 1_000, 1_000, 5_000),
  holdMsMax: fc.constantFrom(1, 5_000, wishedHoldMs, wishedHoldMs, dayMs),
  calls: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 4, max: 40 }) }, fc.nat(900)),
  tokens: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 200, max: 4_000 }) }, fc.constantFrom(0, leaseTokensMax)),
  costMicros: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 200, max: 9_000 }) },
    fc.constantFrom(0, leaseCostMicrosMax),
  ),
});

/** A call under a lease: an earlier one (`call` 0 to 3) or a new one, as its terms tell. */
export const leasedCall = fc.record({
  lease: fc.nat(8),
  call: fc.nat(8),
  isOthers: fc.integer({ min: 0, max: 20 }),
  isBooked: fc.integer({ min: 0, max: 20 }),
  project: fc.integer({ min: 0, max: 20 }),
  prompt: few,
  completion: few,
  choices: fc.integer({ min: 0, max: 2 }),
  promptPrice: price,
  completionPrice: price,
  cachedShare: fc.constantFrom(null, 0, 0.25, 1),
  agoMs: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -3_000, max: 3_000 }) },
    fc.constantFrom(40 * 60_000, 7 * dayMs - 1, 7 * dayMs, 8 * dayMs),
  ),
  ttlMs: fc.constantFrom(0, 500, 90_000, 930_000, dayMs),
});

/** What an isolate reports of a lease, in parts of what it was given, or beyond. */
export const closing = fc.record({
  kind: fc.constant("closeLease" as const),
  isTwice: fc.boolean(),
  lease: fc.nat(8),
  attempts: fc.nat(12),
  calls: fc.nat(12),
  tokens: fc.nat(12),
  costMicros: fc.nat(12),
});

type Drawn<T> = T extends fc.Arbitrary<infer U> ? U : never;

/** The wish as a ledger gets it. */
export function makeWish({ given }: LeaseMemory, { again, ...fields }: Drawn<typeof wish>): LeaseRequest {
  return { id: (again === 0 ? given.at(-1)?.id : undefined) ?? freshLease(), ...fields };
}

/** The closing as a ledger gets it; of a lease that nobody was given when there is none to pick. */
export function makeClosing({ given }: LeaseMemory, drawn: Drawn<typeof closing>): LeaseClosing {
  const grant = pick(given, drawn.lease);
  const part = (name: "calls" | "tokens" | "costMicros", tenths: number) =>
    Math.min(most[name], Math.floor(((grant?.[name] ?? 100) * tenths) / 10));
  return {
    lease: grant?.id ?? freshLease(),
    attempts: part("calls", drawn.attempts),
    calls: part("calls", drawn.calls),
    tokens: part("tokens", drawn.tokens),
    costMicros: part("costMicros", drawn.costMicros),
  };
}

/** The call's hold and terms; `null` when there is no lease yet, or no ledger would look at such terms. */
export function makeLeasedCall(
  memory: LeaseMemory,
  drawn: Drawn<typeof leasedCall>,
  { org, nowMs }: { org: OrgId; nowMs: number },
): LeaseMemory["calls"][number] | null {
  const earlier = drawn.call < 4 ? memory.calls.at(-1 - drawn.call) : undefined;
  if (earlier) return earlier;
  const grant = pick(memory.given, drawn.lease);
  if (!grant && drawn.lease < 8) return null;
  const key = grant?.key ?? { id: keyId(org, 1), lineage: undefined, project: undefined, limits: null };
  const project = drawn.project < 3 ? [undefined, projectId(org, 1), projectId(org, 2)][drawn.project] : key.project;
  const isBooked = Object.values(key.limits ?? {}).some((limit) => limit !== null);
  const admittedAtMs = nowMs - drawn.agoMs;
  const terms: LeasedTerms = {
    lease: grant?.id ?? freshLease(),
    key: drawn.isOthers === 0 ? keyId(org, 3) : key.id,
    isKeyBooked: drawn.isBooked === 0 ? !isBooked : isBooked,
    ...(key.lineage && { lineage: key.lineage }),
    ...(project && { project }),
    endpoint: "chat.completions",
    model: 'sm"a\nll',
    tier: "complex",
    price: {
      promptMicrosPerMTok: drawn.promptPrice,
      completionMicrosPerMTok: drawn.completionPrice,
      ...(drawn.cachedShare !== null && { cachedMicrosPerMTok: Math.floor(drawn.promptPrice * drawn.cachedShare) }),
    },
    promptTokens: drawn.prompt,
    completionTokens: drawn.completion,
    choices: drawn.choices,
    admittedAtMs,
    expiresAtMs: admittedAtMs + drawn.ttlMs,
  };
  try {
    checkLeased(terms);
  } catch {
    return null;
  }
  const call = { hold: freshHold(), terms };
  memory.calls.push(call);
  return call;
}

/** One of the newest leases; 8 and whatever is not there: none of them. */
function pick(given: LeaseGrant[], n: number): LeaseGrant | undefined {
  return n === 8 ? undefined : given.at(-1 - (n % Math.max(1, Math.min(4, given.length))));
}
