import { countColumns } from "../agreements/records/usage-columns.ts";
import type { Credential } from "../agreements/tokens/credential.ts";
import { isHoldId, isKeyId, isOrgId, type HoldId, type OrgId } from "../agreements/tokens/ids.ts";
import { isLeaseId, LeasedTerms, readLeasedTerms } from "../agreements/tokens/lease.ts";
import { readUsageRecord } from "../agreements/records/plain-usage.ts";
import { leaseCostMicrosMax, leaseMsMax, leaseTokensMax, slotWaitMsMax } from "../limits.ts";
import type { Amounts, HoldRequest, LeaseClosing, LeaseRequest, NeededAmounts, SettledRecord } from "./port.ts";

/** No call is longer than this many tokens, no hold longer than a day: bounds that keep every sum far from 2^53. */
const countMax = 1_000_000_000;
const holdMsMax = 24 * 3_600_000;

/**
 * The gate of every ledger (Q7): throws a `TypeError` that names the field unless each number of the request is a plain
 * non-negative integer, the tokens it holds are at most 10^9 and its money is exact in a double. Nothing is booked from
 * a request that did not pass here.
 */
export function checkRequest(request: HoldRequest): void {
  checkHold(request.hold);
  checkCredential(request);
  checkNeed(request);
  mustBe(isCount(request.ttlMs, holdMsMax) && request.ttlMs > 0, "ttlMs");
  for (const name of ["waitMs", "waitMsMax"] as const) mustBe(isCount(request[name] ?? 0, slotWaitMsMax), name);
  if (request.lease) checkLease(request.lease);
}

function checkNeed(request: NeededAmounts): void {
  mustBe(isCount(request.promptTokens, countMax), "promptTokens");
  mustBe(isCount(request.completionTokens, countMax), "completionTokens");
  mustBe(isCount(request.choices, countMax), "choices");
  const completion = request.choices * request.completionTokens;
  mustBe(isCount(request.promptTokens + completion, countMax), "tokens");
  const { promptMicrosPerMTok, completionMicrosPerMTok, cachedMicrosPerMTok = 0 } = request.price;
  mustBe(isCount(promptMicrosPerMTok, Number.MAX_SAFE_INTEGER), "price.promptMicrosPerMTok");
  mustBe(isCount(completionMicrosPerMTok, Number.MAX_SAFE_INTEGER), "price.completionMicrosPerMTok");
  mustBe(isCount(cachedMicrosPerMTok, promptMicrosPerMTok), "price.cachedMicrosPerMTok");
  mustBe(
    Number.isSafeInteger(promptMicrosPerMTok * request.promptTokens + completionMicrosPerMTok * completion),
    "price",
  );
}

/** Throws unless a lease that is asked for has a name, and plain numbers within bounds. */
export function checkLease(lease: LeaseRequest): void {
  mustBe(isLeaseId(lease.id), "lease.id");
  mustBe(isCount(lease.ttlMs, leaseMsMax) && lease.ttlMs > 0, "lease.ttlMs");
  mustBe(isCount(lease.holdMsMax, holdMsMax) && lease.holdMsMax > 0, "lease.holdMsMax");
  checkAmounts(lease, "lease");
}

/** Throws unless what is reported of a lease is plain numbers. */
export function checkClosing(closing: LeaseClosing): void {
  mustBe(isLeaseId(closing.lease), "closing.lease");
  mustBe(isCount(closing.attempts, countMax), "closing.attempts");
  checkAmounts(closing, "closing");
}

/** Throws unless the terms of a call under a lease are as a request for a hold may be. */
export function checkLeased(terms: LeasedTerms): void {
  const { error } = readLeasedTerms(terms) ? {} : LeasedTerms.safeParse(terms);
  if (error) throw makeFieldError(`leased.${error.issues[0]?.path.join(".") ?? ""}`);
  checkNeed(terms);
}

function checkAmounts({ calls, tokens, costMicros }: Amounts, name: string): void {
  mustBe(isCount(calls, countMax), `${name}.calls`);
  mustBe(isCount(tokens, leaseTokensMax), `${name}.tokens`);
  mustBe(isCount(costMicros, leaseCostMicrosMax), `${name}.costMicros`);
}

/** Throws unless org and key are ids. */
export function checkCredential(credential: Credential): void {
  mustBe(isOrgId(credential.org), "org");
  mustBe(isKeyId(credential.key), "key");
}

/** Throws unless this is a hold's id. */
export function checkHold(hold: HoldId): void {
  mustBe(isHoldId(hold), "hold");
}

/**
 * The same for what agents report: throws unless every record is well-formed and belongs to `org`. One bad record
 * refuses the whole batch. Answers them with today's words: while a deploy is under way an older edge may pass on an
 * older agent's.
 */
export function checkRecords(org: OrgId, records: SettledRecord[]): SettledRecord[] {
  mustBe(isOrgId(org), "org");
  return records.map(({ leased, ...reported }) => {
    if (leased) checkLeased(leased);
    const { data: record, error } = readUsageRecord(reported);
    if (!record) throw makeFieldError(`record.${error.issues[0]?.path.join(".") ?? ""}`);
    mustBe(record.org === org, "record.org");
    mustBe(
      countColumns.every((name) => isCount(record[name], countMax)),
      "record.tokens",
    );
    return leased ? { ...record, leased } : record;
  });
}

/** A number that counts: a safe integer from 0 to `max`; -0 is none, since it is not what `0` is written as. */
function isCount(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0) && Number(value) >= 0 && Number(value) <= max;
}

function mustBe(isTrue: boolean, field: string): void {
  if (!isTrue) throw makeFieldError(field);
}

function makeFieldError(field: string): TypeError {
  return new TypeError(`ledger: '${field}' is not acceptable`);
}
