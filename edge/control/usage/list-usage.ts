import { createRoute, z } from "@hono/zod-openapi";
import { HoldId, KeyId, OrgId } from "../../agreements/tokens/ids.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, formatIso, listStart, pageFields, pageRowsDefault, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { filterFields, readFilter } from "./filter.ts";
import { selectUsage, sumUsage, type StoredUsage } from "./queries.ts";
import { Currency, showCounts, showTotals, UsageTotals } from "./totals.ts";

const Query = z.strictObject({ ...filterFields, hold: HoldId.optional(), ...pageFields });

const Usage = z
  .strictObject({
    id: z.string(),
    hold: z.string().openapi({ description: "The call: its answer carried it in `x-penstock-hold`." }),
    org: OrgId,
    key: KeyId,
    model: z.string(),
    tier: z.string(),
    endpoint: z.string(),
    end: z.string(),
    responseId: z.string().nullable(),
    promptTokens: z.int(),
    cachedTokens: z.int(),
    completionTokens: z.int(),
    costMicros: z.int(),
    admittedAt: Timestamp,
    endedAt: Timestamp,
  })
  .openapi("Usage");

const Answer = z
  .strictObject({
    rows: z.array(Usage),
    totals: UsageTotals,
    currency: Currency,
    nextCursor: z.string().nullable(),
  })
  .openapi("UsageList");

/** Lists an org's usage, newest first, with the sums over all that matches. `from` is included, `to` is not. */
export const listUsage = defineEndpoint(
  createRoute({
    method: "get",
    path: "/orgs/{org}/usage",
    operationId: "listUsage",
    tags: ["usage"],
    summary: "List usage",
    request: { params: OrgPath, query: Query },
    responses: {
      200: describeJsonAnswer("A page of usage rows, and the totals of all pages.", Answer),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org } = c.var;
    const { hold, limit = pageRowsDefault, cursor = listStart, ...query } = c.req.valid("query");
    const filter = { ...readFilter(org.id, query, control.models), hold };
    const [rows, sums] = await Promise.all([
      selectUsage(control.db, filter, cursor, limit + 1),
      sumUsage(control.db, filter),
    ]);
    const page = cutPage(rows, limit, (row) => ({ ms: row.admitted_at_ms, id: row.id }));
    const rowsShown = page.rows.map(toUsage);
    const { currency } = control;
    return c.json({ rows: rowsShown, totals: showTotals(sums), currency, nextCursor: page.nextCursor }, 200);
  },
);

function toUsage(row: StoredUsage): z.infer<typeof Usage> {
  const { id, hold, org, key, model, tier, endpoint: path, end } = row;
  const times = { admittedAt: formatIso(row.admitted_at_ms), endedAt: formatIso(row.ended_at_ms) };
  return {
    id,
    hold,
    org,
    key,
    model,
    tier,
    endpoint: path,
    end,
    responseId: row.response_id,
    ...showCounts(row),
    ...times,
  };
}
