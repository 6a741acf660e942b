import { z } from "@hono/zod-openapi";
import { mapNames } from "../../agreements/names.ts";
import { amountColumns } from "../../agreements/records/usage-columns.ts";

/** What costs are in. */
export const Currency = z.string().openapi({ description: "ISO 4217. `costMicros` are millionths of it." });

/** Sums over rows of the bill, as queries have them and answers show them. */
export const UsageTotals = z
  .strictObject({ calls: z.int(), ...mapNames(amountColumns, () => z.int()) })
  .openapi("UsageTotals");
