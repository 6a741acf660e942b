import { z } from "@hono/zod-openapi";
import { mapNames } from "../../agreements/names.ts";
import { amountColumns, listColumns } from "../../agreements/records/usage-columns.ts";
import { KeyId, nameRequest, OrgId } from "../../agreements/tokens/ids.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import type { StoredUsage } from "./queries.ts";

/** What costs are in. */
export const Currency = z.string().openapi({ description: "ISO 4217. `costMicros` are millionths of it." });

/** Sums over rows of the bill, as queries have them and answers show them. */
export const UsageTotals = z
  .strictObject({ calls: z.int(), ...mapNames(amountColumns, () => z.int()) })
  .openapi("UsageTotals");

/** A line of the bill, as answers show it. */
export const Usage = z
  .strictObject({
    ...mapNames(listColumns("text"), () => z.string()),
    hold: z.string().openapi({ description: "The call: its answer carried it in `x-penstock-hold`." }),
    requestId: z.string().openapi({ description: "The same call: its answer carried this in `x-request-id`." }),
    org: OrgId,
    key: KeyId,
    ...mapNames(listColumns("maybeText"), () => z.string().nullable()),
    ...mapNames(amountColumns, () => z.int()),
    ...mapNames(listColumns("maybeMs"), () => z.int().nullable()),
    admittedAt: Timestamp,
    endedAt: Timestamp,
  })
  .openapi("Usage");

/** A line of the bill, read. */
export type ShownUsage = z.infer<typeof Usage>;

/** A stored line of the bill as answers show it. */
export function showUsage({ admittedAtMs, endedAtMs, ...row }: StoredUsage): ShownUsage {
  const times = { admittedAt: formatIso(admittedAtMs), endedAt: formatIso(endedAtMs) };
  return { ...row, requestId: nameRequest(row.hold), ...times };
}
