import type { Price } from "../../../agreements/records/model.ts";
import type { HoldId, OrgId } from "../../../agreements/tokens/ids.ts";
import type { LeasedTerms } from "../../../agreements/tokens/lease.ts";
import type { LeaseClosing, LeaseRequest } from "../../../ledger/port.ts";

/** A lease that is asked for, in one argument. */
export function encodeWish({ id, calls, tokens, costMicros, ttlMs, holdMsMax }: LeaseRequest): string {
  return [id, calls, tokens, costMicros, ttlMs, holdMsMax].join(" ");
}

/** The arguments of `closeLease`. */
export function encodeClosing({ lease, attempts, calls, tokens, costMicros }: LeaseClosing): string[] {
  return [lease, ...[attempts, calls, tokens, costMicros].map(String)];
}

/** A price in two words; cached tokens that cost less stand behind the second. */
export function encodePrice({ promptMicrosPerMTok, completionMicrosPerMTok, cachedMicrosPerMTok }: Price): string[] {
  const cached = cachedMicrosPerMTok === undefined ? "" : ` ${cachedMicrosPerMTok}`;
  return [String(promptMicrosPerMTok), completionMicrosPerMTok + cached];
}

/** What each line of a call's bill repeats, as members of JSON: no text of a caller has a line break in it. */
export function writeBill(terms: Record<"hold" | "org" | "key" | "model" | "tier" | "endpoint", string>): string {
  return JSON.stringify(terms).slice(1, -1);
}

/**
 * The terms of a call under a lease, in one argument: the lease, the hold's deadline, and then the lines of a hold as
 * the script writes them.
 */
export function encodeTerms(org: OrgId, hold: HoldId, terms: LeasedTerms): string {
  const { lease, key, endpoint, model, tier, price } = terms;
  return [
    lease,
    terms.expiresAtMs,
    terms.lineage ?? key,
    terms.isKeyBooked ? "1" : "0",
    terms.promptTokens,
    terms.completionTokens,
    terms.choices,
    ...encodePrice(price),
    terms.admittedAtMs,
    "",
    writeBill({ hold, org, key, model, tier, endpoint }),
    key,
    // When it counts, the script says.
    ...(terms.project === undefined ? [] : ["", terms.project]),
  ].join("\n");
}
