import type { Denial, Grant, LeaseGrant, LedgerState, Scopes, Settlement, WindowDemand } from "../../../ledger/port.ts";
import type { Moved, OrgSettlement } from "./ledger-batch.ts";

/** Whether the org's ledger is in another object. */
export function isMoved(answer: unknown): answer is Moved {
  return typeof answer === "object" && answer !== null && "kind" in answer && answer.kind === "moved";
}

/** Checks only the fields that are read: every call passes here. */
export function isAdmission(answer: Grant | Denial): boolean {
  if (answer?.kind !== "grant") return isDenial(answer);
  return (
    Number.isSafeInteger(answer.tokensHeld) &&
    Number.isSafeInteger(answer.completionTokens) &&
    typeof answer.rates === "object" &&
    isLeaseOrNone(answer.lease ?? null)
  );
}

/** Whether this is a lease, or says that there is none. */
export function isLeaseOrNone(answer: LeaseGrant | null): boolean {
  if (answer === null) return true;
  const counts = [answer?.calls, answer?.tokens, answer?.costMicros, answer?.ttlMs];
  return counts.every(Number.isSafeInteger) && answer.key?.kind === "key" && typeof answer.rates === "object";
}

/** Whether this is what a key may use, or why it may nothing. */
export function isIntrospection(answer: Scopes | Denial): boolean {
  return answer?.kind === "scopes" ? isList(answer.endpoints) && isList(answer.models) : isDenial(answer);
}

/** Whether this says what became of `count` orgs. */
export function areOrgSettlements(answer: OrgSettlement[], count: number): boolean {
  return Array.isArray(answer) && answer.length === count;
}

/** Whether this says what became of `count` records of one org. */
export function areSettlements(answer: Settlement[], count: number): boolean {
  return Array.isArray(answer) && answer.length === count && answer.every(isSettlement);
}

/** Whether this says what became of one hold. */
export function isSettlement(answer: Settlement): boolean {
  return typeof answer?.result === "string";
}

/** Whether this is a ledger as people look into it, or that there is none. */
export function isState(answer: LedgerState | null): boolean {
  return answer === null || (Array.isArray(answer?.windows) && Array.isArray(answer.openHolds));
}

function isDenial(answer: Denial | Scopes | Grant): boolean {
  return (
    answer?.kind === "denial" &&
    typeof answer.reason === "string" &&
    (!("window" in answer) || (typeof answer.rates === "object" && isDemand(answer.demand)))
  );
}

/** An object that still runs an older version tells none. */
function isDemand(demand: WindowDemand | undefined): boolean {
  return demand === undefined || [demand?.need, demand?.held, demand?.settled].every(Number.isSafeInteger);
}

function isList(answer: string[] | null): boolean {
  return answer === null || Array.isArray(answer);
}
