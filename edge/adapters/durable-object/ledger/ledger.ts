import type { Denial, Grant, Ledger, LedgerState, Scopes, Settlement, WindowDemand } from "../../../ledger/port.ts";
import type { OrgId } from "../../../agreements/tokens/ids.ts";
import { OutOfReach } from "../../../errors.ts";
import { ledgerWaitMsMax } from "../../../limits.ts";
import type { OrgLedger } from "./ledger-object.ts";
import { within } from "../../within.ts";

/**
 * One Durable Object per org keeps its ledger. Whatever the object or the connection to it throws is thrown, and so are
 * a missing answer and one of another shape: never a grant by default (F1). An object goes on in the code that started
 * it, so while a deploy is under way its answers may be another version's.
 */
export function durableObjectLedger(
  namespace: DurableObjectNamespace<OrgLedger>,
  waitMsMax: number = ledgerWaitMsMax,
): Ledger {
  const openObject = (org: OrgId) => namespace.get(namespace.idFromName(org));
  const receive = async <T>(answer: Promise<T>, isExpected: (answer: T) => boolean): Promise<T> => {
    const received = await within(waitMsMax, "ledger", answer);
    if (!isExpected(received)) throw new OutOfReach("ledger: the answer has an unexpected shape");
    return received;
  };
  const settle: Ledger["settle"] = async (org, records) =>
    receive(openObject(org).settle(org, records), (answer) => areSettlements(answer, records.length));
  return {
    admit: async (request) => receive(openObject(request.org).admit(request), isAdmission),
    introspect: async (credential) => receive(openObject(credential.org).introspect(credential), isIntrospection),
    settle,
    settleAll: (batches) => Promise.allSettled(batches.map(({ org, records }) => settle(org, records))),
    release: async (org, hold, mayRun = false) => receive(openObject(org).release(hold, mayRun), isSettlement),
    publish: async (record) =>
      receive(openObject(record.kind === "org" ? record.id : record.org).publish(record), () => true),
    inspect: async (org) => receive(openObject(org).inspect(), isState),
  };
}

/** Checks only the fields that are read: every call passes here. */
function isAdmission(answer: Grant | Denial): boolean {
  if (answer?.kind !== "grant") return isDenial(answer);
  return (
    Number.isSafeInteger(answer.tokensHeld) &&
    Number.isSafeInteger(answer.completionTokens) &&
    typeof answer.rates === "object"
  );
}

function isIntrospection(answer: Scopes | Denial): boolean {
  return answer?.kind === "scopes" ? isList(answer.endpoints) && isList(answer.models) : isDenial(answer);
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

function areSettlements(answer: Settlement[], count: number): boolean {
  return Array.isArray(answer) && answer.length === count && answer.every(isSettlement);
}

function isSettlement(answer: Settlement): boolean {
  return typeof answer?.result === "string";
}

function isState(answer: LedgerState | null): boolean {
  return answer === null || (Array.isArray(answer?.windows) && Array.isArray(answer.openHolds));
}

function isList(answer: string[] | null): boolean {
  return answer === null || Array.isArray(answer);
}
