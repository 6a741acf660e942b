import type { Visit } from "../../../visit.ts";
import { commitAudited } from "../../audit/commit.ts";
import { formatIso } from "../../http/fields.ts";
import type { ControlPorts } from "../../http/port.ts";
import { tellOwners } from "../../members/tell-owners.ts";
import { switchOff } from "../queries.ts";
import { giveUpWaiting, type ClaimedRow } from "./queries.ts";

/** What switching off needs of the world. */
export type SwitchOffPorts = Pick<ControlPorts, "db" | "mailer"> & Pick<Visit, "now" | "random" | "log">;

/**
 * Switches off a webhook that has failed since then without a break: audited, as an event, and told to the org's owners
 * by mail. What still waits for it is given up, and can be sent again once it is on. Of several at once one does it.
 */
export async function switchOffFailing(
  ports: SwitchOffPorts,
  { id: delivery, webhook, org, url }: Pick<ClaimedRow, "id" | "webhook" | "org" | "url">,
  failingSinceMs: number,
): Promise<void> {
  const { db, now, random } = ports;
  const failingSince = formatIso(failingSinceMs);
  const actor = { kind: "house", id: "deliverer", name: "deliverer of webhooks", ip: null } as const;
  const rows = await commitAudited(
    { db, actor, visit: { id: delivery, now, random } },
    {
      org,
      action: "webhook.disabled",
      target: webhook,
      before: { isEnabled: true },
      after: { isEnabled: false, failingSince },
      change: switchOff(db, webhook, failingSinceMs, now()),
      event: { type: "webhook.disabled", body: { webhook, url, failingSince } },
    },
  );
  if (rows.length === 0) return;
  await giveUpWaiting(db, webhook).run();
  ports.log("webhook_switched_off", { webhook, org });
  await tellOwners(ports, org, {
    subject: "A webhook of your organization was switched off",
    text:
      `The webhook ${webhook} (${new URL(url).host}) has failed at every try since ${failingSince}, so it was ` +
      "switched off and gets no more events.\n\n" +
      "The log of its deliveries says why. Once it answers with a status from 200 to 299, switch it on again and " +
      "have the deliveries that failed sent again.\n",
  });
}
