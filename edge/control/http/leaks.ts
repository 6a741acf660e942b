import { z } from "@hono/zod-openapi";
import { digestHex } from "../../agreements/digest.ts";
import { leakBodyBytesMax } from "../../agreements/webhooks/limits.ts";
import { describeCause, Refusal } from "../../errors.ts";
import { readBytes } from "../../protocol/bytes.ts";
import type { Visit } from "../../visit.ts";
import { readReport, verifyReport, type Leak } from "../leaks/report.ts";
import { revokeLeaked } from "../leaks/revoke-leaked.ts";
import type { ControlPorts } from "./port.ts";

export { LeakReport } from "../leaks/report.ts";

/** What the reporter hears of each token: its SHA-256 in hex, and whether it was a key of ours. */
export const LeakLabels = z.array(
  z.strictObject({
    token_hash: z.string(),
    token_type: z.string(),
    label: z.enum(["true_positive", "false_positive"]),
  }),
);
/** What it hears of one. */
export type LeakLabel = z.infer<typeof LeakLabels>[number];

/**
 * Takes a signed report of leaked keys and revokes those that are ours, each at once (S18). Answered only when all of
 * them are out of force; 503 when one could not be brought out of it, and repeating the report heals. Whoever reports
 * and leaves does not end it.
 */
export async function takeLeaks(visit: Visit, control: ControlPorts): Promise<LeakLabel[]> {
  const bytes = await readBytes(visit.request, { bytesMax: leakBodyBytesMax, sender: { org: "", key: "" } });
  await verifyReport(visit, bytes, control.leakKeys);
  const work = revokeAll(visit, control, readReport(bytes));
  visit.afterwards(work.catch(() => undefined));
  return work;
}

async function revokeAll(visit: Visit, control: ControlPorts, leaks: Leak[]): Promise<LeakLabel[]> {
  const labels: LeakLabel[] = [];
  let failure: unknown = null;
  for (const leak of leaks) {
    const { token, type } = leak;
    try {
      const isOurs = await revokeLeaked(visit, control, leak);
      const label = isOurs ? "true_positive" : "false_positive";
      labels.push({ token_hash: digestHex(token), token_type: type, label });
    } catch (cause) {
      // One that fails does not keep the others in force.
      visit.log("leak_not_revoked", { cause: describeCause(cause) });
      failure = cause;
    }
  }
  if (labels.length === leaks.length) return labels;
  throw new Refusal("store_unavailable", {
    message: "A leaked key could not be revoked. Repeat the report.",
    retryAfterMs: 1_000,
    log: "leaked key not revoked",
    cause: failure,
  });
}
