import { generateBase62, type OrgId } from "../../../agreements/tokens/ids.ts";
import { deliverMsMax, nudgeMsMax, sendersMax } from "../../../agreements/webhooks/limits.ts";
import { describeCause } from "../../../errors.ts";
import type { Visit } from "../../../visit.ts";
import type { ControlPorts } from "../../http/port.ts";
import { attemptDelivery } from "./attempt.ts";
import { claimDelivery, finishDelivered, finishFailed, readFailingSince, type ClaimedRow } from "./queries.ts";
import { findPauseMs } from "./schedule.ts";
import { switchOffFailing, type SwitchOffPorts } from "./switch-off.ts";

/** What sending needs of the world. */
export type DelivererPorts = SwitchOffPorts & Pick<ControlPorts, "webhooks"> & Pick<Visit, "chance">;

/**
 * Sends what is due, of one org or of all: at least once, since whoever sends holds a lease that a crash lets run out
 * (J4), and not twice as a rule, since two that send at once never hold the same one. It ends when nothing is due any
 * more, or its time is up; what is left is the next cron's. Rejects when the store is out of reach.
 */
export async function deliverDue(ports: DelivererPorts, org: OrgId | null): Promise<void> {
  // Without master keys nothing can be signed: what is due waits for them.
  if (!ports.webhooks.masters) return;
  const endMs = ports.now() + (org === null ? deliverMsMax : nudgeMsMax);
  const ends = await Promise.allSettled(Array.from({ length: sendersMax }, () => sendUntil(ports, org, endMs)));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

async function sendUntil(ports: DelivererPorts, org: OrgId | null, endMs: number): Promise<void> {
  while (ports.now() < endMs) {
    const lease = generateBase62(22, ports.random);
    const claimed = await claimDelivery(ports.db, { org, lease, nowMs: ports.now() });
    if (!claimed) return;
    await sendOne(ports, claimed);
  }
}

async function sendOne(ports: DelivererPorts, claimed: ClaimedRow): Promise<void> {
  const { db, webhooks, now, chance, log } = ports;
  const startMs = now();
  const { code, error, excerpt } = await attemptDelivery(webhooks, claimed, startMs);
  const nowMs = now();
  const end = { nowMs, code, error, excerpt, durationMs: Math.max(0, nowMs - startMs) };
  const { id: delivery, webhook, tries } = claimed;
  log("webhook_sent", { delivery, webhook, tries, code, error, ms: end.durationMs });
  if (error === null) {
    await db.batch(finishDelivered(db, claimed, end));
    return;
  }
  const pauseMs = findPauseMs(tries, webhooks.windowMs, chance());
  const rows = await db.batch(finishFailed(db, claimed, end, pauseMs === null ? null : nowMs + pauseMs));
  const failingSinceMs = readFailingSince(rows);
  if (failingSinceMs !== null && nowMs - failingSinceMs >= webhooks.windowMs)
    await switchOffFailing(ports, claimed, failingSinceMs).catch((cause: unknown) =>
      log("webhook_not_switched_off", { webhook, cause: describeCause(cause) }),
    );
}
