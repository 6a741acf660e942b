import type { Mail } from "../../agreements/mail.ts";
import type { Visit } from "../../visit.ts";
import type { ControlPorts } from "../http/port.ts";
import { tellOwners } from "../members/tell-owners.ts";
import { claimAlerts, findAlertFacts, type AlertFacts, type ClaimedAlert } from "./alert-queries.ts";

/** As many as one round of the cron can look up and mail. */
const alertsAtOnce = 50;

/** What mailing needs of the world. */
export type AlertPorts = Pick<ControlPorts, "db" | "mailer" | "currency"> & Pick<Visit, "now" | "log">;

/**
 * Mails owners of what their budgets have reached since the last round: of each budget the highest share, once. A chore
 * of each minute. Where no mail can be sent they stay untold: the event is there all the same.
 */
export async function mailAlerts(ports: AlertPorts): Promise<void> {
  const { db, mailer, now } = ports;
  if (!mailer) return;
  const highest = new Map<string, ClaimedAlert>();
  for (const alert of await claimAlerts(db, now(), alertsAtOnce)) {
    const name = `${alert.budget} ${alert.month}`;
    if (alert.share >= (highest.get(name)?.share ?? 0)) highest.set(name, alert);
  }
  for (const alert of highest.values()) {
    const facts = await findAlertFacts(db, alert);
    if (facts) await tellOwners(ports, facts.org, writeMail(alert, facts, ports.currency));
  }
}

function writeMail(
  { month, share }: ClaimedAlert,
  { orgName, ofName, amountMicros, spentMicros, isStop }: AlertFacts,
  currency: string,
): Omit<Mail, "to"> {
  const money = new Intl.NumberFormat("en", { style: "currency", currency, maximumFractionDigits: 6 });
  const when = new Date(month).toLocaleDateString("en", { month: "long", year: "numeric", timeZone: "UTC" });
  const whose = ofName === null ? `the organization "${orgName}"` : `"${ofName}" in the organization "${orgName}"`;
  const isFull = spentMicros >= amountMicros;
  const stop = isFull
    ? "Calls are refused until it is raised or a new month begins (UTC).\n"
    : "Calls are refused once it is used up.\n";
  return {
    subject: `${share} % of a budget of ${orgName} is spent`,
    text:
      `The budget of ${whose} for ${when} is ${money.format(amountMicros / 1_000_000)}; ` +
      `${money.format(spentMicros / 1_000_000)} of it are spent, which is ${share} % or more.\n\n` +
      (isStop === 0 ? "It stops no calls.\n" : stop),
  };
}
