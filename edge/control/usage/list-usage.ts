import { createRoute, z } from "@hono/zod-openapi";
import { HoldId } from "../../agreements/tokens/ids.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { cutPage, listStart, pageFields, pageRowsDefault } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { findOwner } from "./choose.ts";
import { filterFields, readFilter } from "./filter.ts";
import { selectUsage, sumUsage } from "./queries.ts";
import { Currency, showUsage, Usage, UsageTotals } from "./totals.ts";

const Query = z.strictObject({ ...filterFields, hold: HoldId.optional(), ...pageFields });

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
  "usage.read",
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
    const filter = { ...readFilter(org.id, query, control.models), hold, owner: findOwner(c) };
    const [rows, sums] = await Promise.all([
      selectUsage(control.db, filter, cursor, limit + 1),
      sumUsage(control.db, filter),
    ]);
    const page = cutPage(rows, limit, (row) => ({ ms: row.admittedAtMs, id: row.id }));
    const rowsShown = page.rows.map(showUsage);
    const { currency } = control;
    return c.json({ rows: rowsShown, totals: sums, currency, nextCursor: page.nextCursor }, 200);
  },
);
