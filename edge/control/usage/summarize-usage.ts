import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { filterFields, readFilter } from "./filter.ts";
import { groupsMax, groupUsage, sumUsage, UsageGrouping } from "./queries.ts";
import { Currency, UsageTotals } from "./totals.ts";

const dayMs = 86_400_000;
const rangeDaysMax = 366;
const rangeDaysDefault = 30;

const Query = z.strictObject({ by: UsageGrouping, ...filterFields });

const Group = z
  .strictObject({
    ...UsageTotals.shape,
    group: z.string().openapi({ description: "The UTC day as YYYY-MM-DD, the key's id, or the model's id." }),
  })
  .openapi("UsageGroup");

const Answer = z
  .strictObject({
    by: UsageGrouping,
    from: Timestamp,
    to: Timestamp,
    groups: z.array(Group),
    isTruncated: z.boolean().openapi({ description: `There are more than ${groupsMax} groups; the totals have all.` }),
    totals: UsageTotals,
    currency: Currency,
  })
  .openapi("UsageSummary");

/**
 * Sums an org's usage by UTC day, by key or by model: days in their order, keys and models by what they cost. `from` is
 * included, `to` is not; without them it is the last 30 days up to now. At most 366 days.
 */
export const summarizeUsage = defineEndpoint(
  "usage.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/usage/summary",
    operationId: "summarizeUsage",
    tags: ["usage"],
    summary: "Sum usage by day, key or model",
    request: { params: OrgPath, query: Query },
    responses: { 200: describeJsonAnswer("The sums.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { control, org, visit } = c.var;
    const { by, ...query } = c.req.valid("query");
    const { from, to } = readRange(query, visit.now());
    const filter = readFilter(org.id, { ...query, from, to }, control.models);
    const [groups, totals] = await Promise.all([
      groupUsage(control.db, filter, by, groupsMax + 1),
      sumUsage(control.db, filter),
    ]);
    const answer = {
      by,
      from: formatIso(from),
      to: formatIso(to),
      groups: groups.slice(0, groupsMax).map(({ grouped: group, ...amounts }) => ({ group, ...amounts })),
      isTruncated: groups.length > groupsMax,
      totals,
      currency: control.currency,
    };
    return c.json(answer, 200);
  },
);

/** A day is a whole UTC day, so a range that is not said begins with one. */
function readRange(query: { from?: number | undefined; to?: number | undefined }, nowMs: number) {
  const to = query.to ?? nowMs + 1;
  const from = query.from ?? Math.max(0, Math.floor(to / dayMs) - rangeDaysDefault) * dayMs;
  if (from >= to) throw new Refusal("invalid_value", { param: "from", message: "from: Must be before `to`." });
  if (to - from > rangeDaysMax * dayMs)
    throw new Refusal("invalid_value", { param: "from", message: `from: At most ${rangeDaysMax} days before \`to\`.` });
  return { from, to };
}
