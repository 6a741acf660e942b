import type { LeaseClosing, LeaseGrant, LeaseRequest, SettledRecord } from "#edge/ledger/port.ts";
import { hasLimits } from "#edge/ledger/state.ts";
import type { Credential } from "#edge/agreements/tokens/credential.ts";
import type { HoldId, OrgId } from "#edge/agreements/tokens/ids.ts";
import type { LeasedTerms } from "#edge/agreements/tokens/lease.ts";
import type { Limits } from "#edge/agreements/records/quota.ts";
import type { UsageRecord } from "#edge/agreements/records/usage.ts";
import { digest, freshHold, freshLease, keyId, makeRecord, noon, type OpenedOrg } from "../ledger-fixtures.ts";

/** Limits of which a sixteenth is more than any wish of these tests. */
export const plenty: Partial<Limits> = {
  requestsPerMinute: 10_000,
  requestsPerHour: 10_000,
  requestsPerDay: 10_000,
  concurrency: 10_000,
  tokensPerMinute: 1_000_000,
  tokensPerDay: 1_000_000,
  costMicrosPerMonth: 1_000_000,
};

/** Twenty calls of 30 tokens and 50 millionths each, for a second; none of them holds longer than 25 minutes. */
export function makeWish(fields: Partial<LeaseRequest> = {}): LeaseRequest {
  return {
    id: freshLease(),
    calls: 20,
    tokens: 600,
    costMicros: 1_000,
    ttlMs: 1_000,
    holdMsMax: 25 * 60_000,
    ...fields,
  };
}

/** What shows the org's `n`th key. */
export function makeCredential(org: OrgId, n = 1): Credential {
  return { org, key: keyId(org, n), digests: [{ kid: "p1", digest }], ip: null };
}

/** A lease, or a failure. */
export async function openLease(
  { ledger, org }: OpenedOrg,
  fields: Partial<LeaseRequest> = {},
  n = 1,
): Promise<LeaseGrant> {
  const grant = await ledger.lease(makeCredential(org, n), makeWish(fields));
  if (!grant) throw new Error("no lease");
  return grant;
}

/** The terms of a call that was admitted under the lease: 30 tokens, 50 millionths. */
export function makeTerms({ id, key }: LeaseGrant, fields: Partial<LeasedTerms> = {}): LeasedTerms {
  return {
    lease: id,
    key: key.id,
    isKeyBooked: hasLimits(key),
    ...(key.lineage && { lineage: key.lineage }),
    ...(key.project && { project: key.project }),
    endpoint: "chat.completions",
    model: "small",
    tier: "shared",
    price: { promptMicrosPerMTok: 1_000_000, completionMicrosPerMTok: 2_000_000 },
    promptTokens: 10,
    completionTokens: 20,
    choices: 1,
    admittedAtMs: noon,
    expiresAtMs: noon + 930_000,
    ...fields,
  };
}

/** What a node reports of such a call. */
export function makeLeased(
  grant: LeaseGrant,
  {
    hold = freshHold(),
    terms = {},
    ...fields
  }: Partial<UsageRecord> & { hold?: HoldId; terms?: Partial<LeasedTerms> } = {},
): SettledRecord {
  return { ...makeRecord(grant.key.org, hold, fields), leased: makeTerms(grant, terms) };
}

/** A closing: so many such calls were made. */
export function makeClosing({ id }: LeaseGrant, calls: number, fields: Partial<LeaseClosing> = {}): LeaseClosing {
  return { lease: id, attempts: calls, calls, tokens: 30 * calls, costMicros: 50 * calls, ...fields };
}
