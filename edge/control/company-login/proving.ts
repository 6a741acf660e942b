import type { Visit } from "../../visit.ts";
import { Refusal } from "../../errors.ts";
import { commitAudited } from "../audit/commit.ts";
import type { ControlPorts } from "../http/port.ts";
import { findProvenDomain, markChecked, setUnproven, touchLogin, type DomainRow } from "./domain-queries.ts";
import { writeRecord } from "./login.ts";
import { endLoginSessions } from "./queries.ts";

/** What looking at a proof needs of the world. */
export type ProvingPorts = Pick<ControlPorts, "db" | "webhooks"> & { visit: Pick<Visit, "id" | "now" | "random"> };

/** How long a proof is believed before it is looked at again. */
const proofMs = 24 * 3_600_000;

/** Does the domain's DNS say that it is this org's? Refused with 503 when that cannot be looked up. */
export async function isPublished({ webhooks }: Pick<ProvingPorts, "webhooks">, row: DomainRow): Promise<boolean> {
  const { name, value } = writeRecord(row);
  const texts = await webhooks.resolver.readTexts(name).catch((cause: unknown) => {
    throw new Refusal("store_unavailable", {
      message: "The name server is out of reach, so the domain could not be looked up. Try again.",
      retryAfterMs: 1_000,
      log: "dns out of reach",
      cause,
    });
  });
  return texts.includes(value);
}

/** Takes a proof back that the domain's DNS does not give any more, and ends the sessions that it let in. */
export async function withdrawProof({ db, visit }: ProvingPorts, row: DomainRow): Promise<void> {
  const { org, domain } = row;
  const actor = { kind: "house", id: "domains", name: "proofs of domains", ip: null } as const;
  await commitAudited(
    { db, actor, visit },
    {
      org,
      action: "login.domain_withdrawn",
      target: domain,
      before: { provenBy: "dns" },
      after: { provenBy: null },
      change: setUnproven(db, row),
      also: (mark) => [touchLogin(db, org, mark), endLoginSessions(db, org, mark)],
      event: { type: "login.changed", body: { domain, change: "domain_withdrawn" } },
    },
  );
}

/** Is this domain's proof good now? One that is older than a day is looked at again, and withdrawn if it is gone. */
export async function isStillProven(ports: ProvingPorts, row: DomainRow): Promise<boolean> {
  if (row.proven_by === null) return false;
  const nowMs = ports.visit.now();
  if (row.proven_by === "operator" || nowMs - (row.checked_at_ms ?? 0) < proofMs) return true;
  if (await isPublished(ports, row)) {
    await markChecked(ports.db, row, nowMs);
    return true;
  }
  await withdrawProof(ports, row);
  return false;
}

/** Whether another org's proof of this domain stands; one whose record is gone is withdrawn. */
export async function isTaken(ports: ProvingPorts, { org, domain }: DomainRow): Promise<boolean> {
  const holder = await findProvenDomain(ports.db, domain);
  if (!holder || holder.org === org) return false;
  if (holder.proven_by === "operator" || (await isPublished(ports, holder))) return true;
  await withdrawProof(ports, holder);
  return false;
}
