import { Buffer } from "node:buffer";
import { createHmac, createSecretKey } from "node:crypto";

const secretPrefix = "whsec_";
const secretBytes = 32;

/** A delivery as it is signed: the event's id, when it is sent, and the bytes of its body. */
export interface SignedDelivery {
  id: string;
  /** Unix seconds. */
  timestamp: number;
  body: string;
}

/** Makes a webhook's secret in the form of Standard Webhooks: `whsec_` and 32 random bytes in base64. */
export function mintWebhookSecret(random: (bytes: number) => Uint8Array): string {
  return secretPrefix + Buffer.from(new Uint8Array(random(secretBytes)).buffer).toString("base64");
}

/**
 * The headers of a delivery as Standard Webhooks has them, with a signature for each secret that is in force: whoever
 * knows one of them can verify it. Throws for what is no such secret.
 */
export function signDelivery({ id, timestamp, body }: SignedDelivery, secrets: readonly string[]) {
  const signatures = secrets.map((secret) => {
    if (!secret.startsWith(secretPrefix)) throw new TypeError("not a webhook's secret");
    const key = createSecretKey(Buffer.from(secret.slice(secretPrefix.length), "base64"));
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signatures.join(" ") };
}
