import type { OrgId } from "../../agreements/tokens/ids.ts";
import type { Mail } from "../../agreements/mail.ts";
import { describeCause } from "../../errors.ts";
import type { Visit } from "../../visit.ts";
import type { ControlPorts } from "../http/port.ts";
import { selectOwnerAddresses } from "./queries.ts";

/**
 * Mails all owners of an org, each by themselves. Where no mail can be sent, or one does not go out, the log says so
 * and nothing else fails: what is told of has happened, and stands in the org's audit log and events.
 */
export async function tellOwners(
  { db, mailer, log }: Pick<ControlPorts, "db" | "mailer"> & Pick<Visit, "log">,
  org: OrgId,
  mail: Omit<Mail, "to">,
): Promise<void> {
  if (!mailer) return log("owners_not_told", { org, why: "no mailer" });
  try {
    const addresses = await selectOwnerAddresses(db, org);
    const ends = await Promise.allSettled(addresses.map((to) => mailer.send({ to, ...mail })));
    const lost = ends.filter(({ status }) => status === "rejected").length;
    if (lost > 0 || addresses.length === 0) log("owners_not_told", { org, lost, owners: addresses.length });
  } catch (cause) {
    log("owners_not_told", { org, cause: describeCause(cause) });
  }
}
