import { createRoute, z } from "@hono/zod-openapi";
import { KeyId, OrgId } from "../../agreements/tokens/ids.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, formatIso, listStart, pageFields, pageRowsDefault, QueryInstant, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { selectUsage, sumUsage, type UsageRow } from "./queries.ts";

const Query = z.strictObject({
  from: QueryInstant.optional(),
  to: QueryInstant.optional(),
  key: KeyId.optional(),
  model: z.string().min(1).max(200).optional(),
  ...pageFields,
});

const Usage = z
  .strictObject({
    id: z.string(),
    hold: z.string(),
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

const Totals = Usage.pick({ promptTokens: true, cachedTokens: true, completionTokens: true, costMicros: true })
  .extend({ calls: z.int() })
  .openapi("UsageTotals");

const Answer = z
  .strictObject({ rows: z.array(Usage), totals: Totals, nextCursor: z.string().nullable() })
  .openapi("UsageList");

/** Lists an org's usage, newest first, with the sums over all that matches. `from` is included, `to` is not. */
export const listUsage = defineEndpoint(
  createRoute({
    method: "get",
    path: "/orgs/{org}/usage",
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
    const { from, to, key, model, limit = pageRowsDefault, cursor = listStart } = c.req.valid("query");
    const filter = { org: org.id, fromMs: from, toMs: to, key, model };
    const [rows, sums] = await Promise.all([
      selectUsage(control.db, filter, cursor, limit + 1),
      sumUsage(control.db, filter),
    ]);
    const page = cutPage(rows, limit, (row) => ({ ms: row.admitted_at_ms, id: row.id }));
    return c.json(
      { rows: page.rows.map(toUsage), totals: { calls: sums.calls, ...countsOf(sums) }, nextCursor: page.nextCursor },
      200,
    );
  },
);

function toUsage(row: UsageRow): z.infer<typeof Usage> {
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
    ...countsOf(row),
    ...times,
  };
}

function countsOf(row: Pick<UsageRow, "prompt_tokens" | "cached_tokens" | "completion_tokens" | "cost_micros">) {
  return {
    promptTokens: row.prompt_tokens,
    cachedTokens: row.cached_tokens,
    completionTokens: row.completion_tokens,
    costMicros: row.cost_micros,
  };
}
