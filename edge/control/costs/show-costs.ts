import { createRoute, z } from "@hono/zod-openapi";
import { findSpends } from "../budgets/queries.ts";
import { Budget, showBudget } from "../budgets/budget.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { nameGroup } from "../usage/choose.ts";
import { Dimension, sumRollUps, type RolledUp } from "../usage/rollup-queries.ts";
import { Currency } from "../usage/totals.ts";
import { forecastMonth, startLookingBack } from "./forecast.ts";
import { Month, readMonth, writeMonth } from "./month.ts";

const hourMs = 3_600_000;
const costGroupsMax = 1_000;

const Query = z.strictObject({ month: Month.optional(), group: Dimension.default("model") });

const Spent = { calls: z.int(), costMicros: z.int() };
const CostGroup = z
  .strictObject({
    group: z.string().nullable().openapi({ description: "Null is no project, or nobody." }),
    ...Spent,
  })
  .openapi("CostGroup");
const CostDay = z.strictObject({ at: Timestamp, ...Spent }).openapi("CostDay");

const Answer = z
  .strictObject({
    month: Month,
    spentMicros: z.int(),
    forecastMicros: z.int().nullable().openapi({
      description: "What the month will have cost if the rest of it goes as the last seven days did.",
    }),
    budgets: z.array(Budget),
    days: z.array(CostDay),
    group: Dimension,
    groups: z.array(CostGroup),
    isTruncated: z.boolean().openapi({ description: `There are more than ${costGroupsMax} groups.` }),
    currency: Currency,
  })
  .openapi("Costs");

/** What an org has spent in a month, what it will have, its budgets, and on what it went: the dearest first. */
export const showCosts = defineEndpoint(
  "costs.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/costs",
    operationId: "showCosts",
    tags: ["costs"],
    summary: "Show a month's costs",
    request: { params: OrgPath, query: Query },
    responses: { 200: describeJsonAnswer("The costs.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org, visit } = c.var;
    const nowMs = visit.now();
    const { month = writeMonth(nowMs), group } = c.req.valid("query");
    const span = readMonth(month);
    const filter = { org: org.id, ...span };
    const backMs = Math.floor(startLookingBack(nowMs, org.created_at_ms) / hourMs) * hourMs;
    const recentFilter = { org: org.id, fromMs: backMs, toMs: Math.ceil((nowMs + 1) / hourMs) * hourMs };
    const [days, groups, [recent], budgets] = await Promise.all([
      sumRollUps(control.db, filter, { by: "day", group: null, limit: 31 }),
      sumRollUps(control.db, filter, { by: null, group, limit: costGroupsMax + 1 }),
      sumRollUps(control.db, recentFilter, { by: null, group: null, limit: 1 }),
      findSpends(control.db, org.id, span.fromMs),
    ]);
    const spentMicros = days.reduce((sum, { costMicros }) => sum + costMicros, 0);
    const pace = { spentMicros, recentMicros: recent?.costMicros ?? 0, recentMs: nowMs - backMs };
    const answer = {
      month,
      spentMicros,
      forecastMicros: forecastMonth(span, pace, nowMs),
      budgets: budgets.map(showBudget),
      days: days.map((day) => ({ at: formatIso(day.atMs ?? 0), ...readSpent(day) })),
      group,
      groups: groups
        .slice(0, costGroupsMax)
        .map((each) => ({ group: nameGroup(group, each.group), ...readSpent(each) })),
      isTruncated: groups.length > costGroupsMax,
      currency: control.currency,
    };
    return c.json(answer, 200);
  },
);

function readSpent({ calls, costMicros }: RolledUp) {
  return { calls, costMicros };
}
