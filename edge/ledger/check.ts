import { tokenColumns } from "../agreements/records/usage-columns.ts";
import type { Credential } from "../agreements/tokens/credential.ts";
import { isHoldId, isKeyId, isOrgId, type HoldId, type OrgId } from "../agreements/tokens/ids.ts";
import { readUsageRecord } from "../agreements/records/plain-usage.ts";
import type { UsageRecord } from "../agreements/records/usage.ts";
import type { HoldRequest } from "./port.ts";

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
  mustBe(isCount(request.promptTokens, countMax), "promptTokens");
  mustBe(isCount(request.completionTokens, countMax), "completionTokens");
  mustBe(isCount(request.choices, countMax), "choices");
  mustBe(isCount(request.ttlMs, holdMsMax) && request.ttlMs > 0, "ttlMs");
  const completion = request.choices * request.completionTokens;
  mustBe(isCount(request.promptTokens + completion, countMax), "tokens");
  const { promptMicrosPerMTok, completionMicrosPerMTok } = request.price;
  mustBe(isCount(promptMicrosPerMTok, Number.MAX_SAFE_INTEGER), "price.promptMicrosPerMTok");
  mustBe(isCount(completionMicrosPerMTok, Number.MAX_SAFE_INTEGER), "price.completionMicrosPerMTok");
  mustBe(
    Number.isSafeInteger(promptMicrosPerMTok * request.promptTokens + completionMicrosPerMTok * completion),
    "price",
  );
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
export function checkRecords(org: OrgId, records: UsageRecord[]): UsageRecord[] {
  mustBe(isOrgId(org), "org");
  return records.map((reported) => {
    const { data: record, error } = readUsageRecord(reported);
    if (!record) throw makeFieldError(`record.${error.issues[0]?.path.join(".") ?? ""}`);
    mustBe(record.org === org, "record.org");
    mustBe(
      tokenColumns.every((name) => isCount(record[name], countMax)),
      "record.tokens",
    );
    return record;
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
