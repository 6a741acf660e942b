import { z } from "@hono/zod-openapi";
import { isSignedBy } from "../../agreements/webhooks/leak-signature.ts";
import { leaksMax } from "../../agreements/webhooks/limits.ts";
import { describeCause, Refusal } from "../../errors.ts";
import { createFieldRefusal } from "../../protocol/fields.ts";
import type { Visit } from "../../visit.ts";
import type { LeakKeys } from "../http/port.ts";

/** A report of leaked tokens, in the form in which GitHub's secret scanning sends one. */
export const LeakReport = z
  .array(
    z.looseObject({
      token: z.string().max(1_000),
      type: z.string().max(200),
      url: z.string().max(4_000).nullish(),
      source: z.string().max(200).nullish(),
    }),
  )
  .max(leaksMax);
/** One of its tokens. */
export type Leak = z.infer<typeof LeakReport>[number];

/**
 * Refuses a report that its reporter has not signed: whatever is wrong with it, the answer is the same 401. While the
 * reporter's keys cannot be read it is 503, since nobody knows.
 */
export async function verifyReport(visit: Visit, bytes: Uint8Array, keys: LeakKeys | null): Promise<void> {
  const { headers } = visit.request;
  const identifier = headers.get("github-public-key-identifier");
  const signature = headers.get("github-public-key-signature");
  const pem = keys && identifier !== null ? await findKey(visit, keys, identifier) : null;
  if (pem === null || signature === null || !isSignedBy(pem, bytes, signature))
    throw new Refusal("invalid_api_key", { message: "The report is not signed by whom we know." });
}

async function findKey(visit: Visit, keys: LeakKeys, identifier: string): Promise<string | null> {
  try {
    return await keys.find(identifier, visit.now());
  } catch (cause) {
    visit.log("leak_keys_unreadable", { cause: describeCause(cause) });
    throw new Refusal("store_unavailable", {
      message: "The keys that sign reports are out of reach. Repeat the report.",
      retryAfterMs: 60_000,
      log: "leak keys out of reach",
      cause,
    });
  }
}

/** Reads a report that was verified; refused with 400 for anything else. */
export function readReport(bytes: Uint8Array): Leak[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (cause) {
    throw new Refusal("invalid_json", { cause });
  }
  const report = LeakReport.safeParse(parsed);
  if (report.success) return report.data;
  throw createFieldRefusal(report.error);
}
