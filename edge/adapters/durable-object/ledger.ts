import type { Ledger } from "../../admission/port.ts";
import type { OrgId } from "../../agreements/ids.ts";
import type { OrgLedger } from "./ledger-object.ts";

/** One Durable Object per org keeps its ledger. Whatever the object or the way to it throws is thrown: never a grant by default (F1). */
export function durableObjectLedger(namespace: DurableObjectNamespace<OrgLedger>): Ledger {
  const objectOf = (org: OrgId) => namespace.get(namespace.idFromName(org));
  const settle: Ledger["settle"] = async (org, records) => objectOf(org).settle(org, records);
  return {
    admit: async (ask) => objectOf(ask.org).admit(ask),
    look: async (credential) => objectOf(credential.org).look(credential),
    settle,
    settleAll: (batches) => Promise.allSettled(batches.map(({ org, records }) => settle(org, records))),
    release: async (org, hold, mayRun = false) => objectOf(org).release(hold, mayRun),
    publish: async (record) => objectOf(record.kind === "org" ? record.id : record.org).publish(record),
    inspect: async (org) => objectOf(org).inspect(),
  };
}
