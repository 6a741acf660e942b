import type { Ledger, OrgRecords, Settlement } from "../../../ledger/port.ts";
import { findHome } from "../../../ledger/publish.ts";
import { longestWaitMs } from "../../../ledger/waiting/plan.ts";
import type { OrgId } from "../../../agreements/tokens/ids.ts";
import type { Location } from "../../../agreements/tokens/placement.ts";
import { OutOfReach } from "../../../errors.ts";
import { ledgerWaitMsMax } from "../../../limits.ts";
import type { OrgLedger } from "./ledger-object.ts";
import {
  areOrgSettlements,
  areSettlements,
  isAdmission,
  isIntrospection,
  isLeaseOrNone,
  isMoved,
  isSettlement,
  isState,
} from "./ledger-answers.ts";
import type { Moved, OrgSettlement } from "./ledger-batch.ts";
import { LedgerObjects } from "./ledger-objects.ts";
import { within } from "../../within.ts";

type Stub = DurableObjectStub<OrgLedger>;

/**
 * Durable Objects keep ledgers: one for each org, or a shard for many; the org's id says which, and a shard knows which
 * of its orgs have moved. Whatever the object or the connection to it throws is thrown, and so are a missing answer and
 * one of another shape: never a grant by default (F1). An object goes on in the code that started it, so while a deploy
 * is under way its answers may be another version's.
 */
export function durableObjectLedger(
  namespace: DurableObjectNamespace<OrgLedger>,
  waitMsMax: number = ledgerWaitMsMax,
): Ledger {
  const objects = new LedgerObjects(namespace);
  const receive = <T>(answer: Promise<T>, moreMs = 0) => within(waitMsMax + moreMs, "ledger", answer);
  /** Asks the org's object; the one that it has moved to, when the first says so. */
  const ask = async <T>(
    org: OrgId,
    question: (object: Stub) => Promise<T | Moved>,
    isExpected: (answer: T) => boolean,
    moreMs = 0,
  ): Promise<T> => {
    let answer = await receive(question(objects.open(objects.locate(org))), moreMs);
    if (isMoved(answer)) answer = await receive(question(objects.open(objects.forward(org))), moreMs);
    if (isMoved(answer) || !isExpected(answer)) throw unexpected();
    return answer;
  };
  const settleAll: Ledger["settleAll"] = (batches) => settleByObject(batches, objects, receive);
  return {
    admit: (request) => ask(request.org, async (object) => object.admit(request), isAdmission, longestWaitMs(request)),
    cancelWait: async (org, hold) => {
      await receive((async () => objects.open(objects.locate(org)).cancelWait(org, hold))());
    },
    introspect: (credential) => ask(credential.org, async (object) => object.introspect(credential), isIntrospection),
    settle: async (org, records) => {
      const [answer] = await settleAll([{ org, records }]);
      if (answer?.status !== "fulfilled") throw answer?.reason;
      return answer.value;
    },
    settleAll,
    release: (org, hold, mayRun = false, leased = undefined) =>
      ask(org, async (object) => object.release(org, hold, mayRun, leased ?? null), isSettlement),
    lease: (credential, request) =>
      ask(credential.org, async (object) => object.lease(credential, request), isLeaseOrNone),
    closeLease: async (org, closing) => {
      await ask(
        org,
        async (object) => object.closeLease(org, closing),
        () => true,
      );
    },
    publish: async (record) => {
      await ask(
        findHome(record),
        async (object) => object.publish(record),
        () => true,
      );
    },
    inspect: (org) => ask(org, async (object) => object.inspect(org), isState),
  };
}

const unexpected = () => new OutOfReach("ledger: the answer has an unexpected shape");

/**
 * One round trip an object, however many of the orgs it keeps; another for each of them that has moved. What an object
 * throws is the answer for all that were asked of it.
 */
async function settleByObject(
  batches: OrgRecords[],
  objects: LedgerObjects,
  receive: <T>(answer: Promise<T>) => Promise<T>,
): Promise<PromiseSettledResult<Settlement[]>[]> {
  const settled = new Map<OrgRecords, PromiseSettledResult<Settlement[]>>();
  const settleAt = async (location: Location, some: OrgRecords[], mayForward: boolean): Promise<void> => {
    const answers = await receive((async () => objects.open(location).settle(some))())
      .then((all) => (areOrgSettlements(all, some.length) ? all : []))
      .catch((reason: unknown) => some.map(() => ({ kind: "unreachable" as const, reason })));
    const readOne = async (batch: OrgRecords, at: number) => {
      const answer = answers[at];
      if (mayForward && isMoved(answer)) return settleAt(objects.forward(batch.org), [batch], false);
      settled.set(batch, readSettlement(answer, batch.records.length));
    };
    await Promise.all(some.map(readOne));
  };
  const byObject = Map.groupBy(batches, ({ org }) => objects.locate(org).name);
  await Promise.all(
    Array.from(byObject.values(), async (some) => settleAt(objects.locate(some[0]?.org ?? ""), some, true)),
  );
  return batches.map((batch) => settled.get(batch) ?? { status: "rejected", reason: unexpected() });
}

function readSettlement(
  answer: OrgSettlement | { kind: "unreachable"; reason: unknown } | undefined,
  count: number,
): PromiseSettledResult<Settlement[]> {
  if (answer?.kind === "settled" && areSettlements(answer.settlements, count))
    return { status: "fulfilled", value: answer.settlements };
  if (answer?.kind === "unreachable") return { status: "rejected", reason: answer.reason };
  return { status: "rejected", reason: answer?.kind === "failed" ? new Error(answer.cause) : unexpected() };
}
