import { openSecret, sealSecret } from "../../../agreements/webhooks/secrets.ts";
import { eventRetentionMs, eventSweepMax } from "../../../agreements/webhooks/limits.ts";
import type { MasterKeys } from "../../../agreements/sealing.ts";
import { sweepEvents } from "../../events/queries.ts";
import { resealSecrets, selectOtherSecrets } from "../queries.ts";
import { deliverDue, type DelivererPorts } from "./deliver.ts";

const resealMax = 100;

/**
 * What the cron does about events: sends what is due, deletes what is older than 30 days, and seals secrets under the
 * first master key. Each is done though another fails; then it rejects.
 */
export async function tendWebhooks(ports: DelivererPorts): Promise<void> {
  const { db, webhooks, now } = ports;
  const ends = await Promise.allSettled([
    deliverDue(ports, null),
    db.batch(sweepEvents(db, now() - eventRetentionMs, eventSweepMax)),
    webhooks.masters ? resealOld(ports, webhooks.masters) : null,
  ]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** One that no key opens stays as it is, and keeps no other from being sealed anew. */
async function resealOld({ db, random, log }: DelivererPorts, masters: MasterKeys): Promise<void> {
  for (const row of await selectOtherSecrets(db, masters.first, resealMax)) {
    const reseal = async (sealed: string) =>
      sealSecret(masters, row.id, await openSecret(masters, row.id, sealed), random);
    try {
      const secret = await reseal(row.secret);
      const oldSecret = row.old_secret === null ? null : await reseal(row.old_secret);
      await resealSecrets(db, row, { secret, oldSecret }).run();
    } catch {
      log("webhook_not_resealed", { webhook: row.id });
    }
  }
}
