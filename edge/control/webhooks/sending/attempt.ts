import { openSecret } from "../../../agreements/webhooks/secrets.ts";
import { signDelivery } from "../../../agreements/webhooks/signature.ts";
import { BadTarget, findForbidden, isLoopback, readTarget } from "../../../agreements/webhooks/target.ts";
import type { WebhookPorts } from "../../http/port.ts";
import { writeDeliveryBody } from "./body.ts";
import type { ClaimedRow } from "./queries.ts";

/** What came of one try. `error` says why it failed; `code` is the answer's status, where there was one. */
export interface DeliveryAttempt {
  code: number | null;
  error: "status" | "redirect" | "timeout" | "connection" | "dns" | "address" | "url" | "secret" | null;
  excerpt: string | null;
}

const unsent = (error: DeliveryAttempt["error"]): DeliveryAttempt => ({ code: null, error, excerpt: null });

/**
 * Sends a delivery once. Where it may go is asked anew, by what its URL says and by where its name leads at this moment
 * (S11); a redirect is a failure. It is signed with the secret, and with the one before while both are in force (J5).
 */
export async function attemptDelivery(
  ports: WebhookPorts,
  claimed: ClaimedRow,
  nowMs: number,
): Promise<DeliveryAttempt> {
  const forbidden = await findObstacle(ports, claimed.url);
  if (forbidden) return unsent(forbidden);
  const secrets = await openSecrets(ports, claimed, nowMs);
  if (!secrets) return unsent("secret");
  const { event: id, org, type, at_ms, body: facts } = claimed;
  const body = writeDeliveryBody({ id, org, type, at_ms, body: facts });
  const timestamp = Math.floor(nowMs / 1_000);
  const headers = { "content-type": "application/json", ...signDelivery({ id, timestamp, body }, secrets) };
  const sent = await ports.sender.post(claimed.url, headers, body);
  if ("failure" in sent) return unsent(sent.failure);
  const { status: code, excerpt } = sent;
  const isRedirect = code >= 300 && code < 400;
  return { code, excerpt, error: code >= 200 && code < 300 ? null : isRedirect ? "redirect" : "status" };
}

async function findObstacle({ resolver, isLocal }: WebhookPorts, text: string): Promise<DeliveryAttempt["error"]> {
  let url: URL;
  try {
    url = readTarget(text, isLocal);
  } catch (cause) {
    if (cause instanceof BadTarget) return "url";
    throw cause;
  }
  if (isLoopback(url)) return null;
  try {
    const addresses = await resolver.resolve(url.hostname);
    if (addresses.length === 0) return "dns";
    return findForbidden(addresses) === null ? null : "address";
  } catch {
    return "dns";
  }
}

/** The new secret first. Null where no master key opens them: then nothing can be signed. */
async function openSecrets({ masters }: WebhookPorts, claimed: ClaimedRow, nowMs: number): Promise<string[] | null> {
  const { webhook, secret, old_secret: old, old_ends_at_ms: oldEndsAtMs } = claimed;
  if (!masters) return null;
  const sealed = old !== null && oldEndsAtMs !== null && oldEndsAtMs > nowMs ? [secret, old] : [secret];
  try {
    return await Promise.all(sealed.map((one) => openSecret(masters, webhook, one)));
  } catch {
    return null;
  }
}
