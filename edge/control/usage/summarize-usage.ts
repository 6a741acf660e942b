import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { chooseRollUps, nameGroup, rollUpFields, type RangeRule } from "./choose.ts";
import { Latency } from "./latency.ts";
import { Dimension, sumRollUps, type RolledUp } from "./rollup-queries.ts";
import { Currency, UsageTotals } from "./totals.ts";

const groupsMax = 1_000;
const rule: RangeRule = { unit: "day", daysDefault: 30, daysMax: 366 };
const UsageGrouping = z.enum(["day", ...Dimension.options]);

const Query = z.strictObject({ by: UsageGrouping, ...rollUpFields });

const Sums = {
  ...UsageTotals.shape,
  failedCalls: z.int(),
  duration: Latency.nullable(),
  ttft: Latency.nullable(),
};
const Group = z
  .strictObject({
    ...Sums,
    group: z.string().nullable().openapi({
      description: "The UTC day as YYYY-MM-DD, or the value that it is grouped by; null is no project, or nobody.",
    }),
  })
  .openapi("UsageGroup");

const Answer = z
  .strictObject({
    by: UsageGrouping,
    from: Timestamp,
    to: Timestamp,
    groups: z.array(Group),
    isTruncated: z.boolean().openapi({ description: `There are more than ${groupsMax} groups; the totals have all.` }),
    totals: z.strictObject(Sums).openapi("UsageSums"),
    currency: Currency,
  })
  .openapi("UsageSummary");

const nothing = {
  ...UsageTotals.parse(Object.fromEntries(Object.keys(UsageTotals.shape).map((name) => [name, 0]))),
  failedCalls: 0,
  duration: null,
  ttft: null,
};

/**
 * Sums an org's usage by UTC day, or by what its calls have in common: days in their order, all else by what it cost.
 * From roll-ups, hence in whole hours: `from` is rounded down, `to` up. Without them it is the last 30 days up to now.
 * At most 366 days.
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
    const { db, currency } = c.var.control;
    const { by, ...query } = c.req.valid("query");
    const filter = chooseRollUps(c, query, rule);
    const limit = groupsMax + 1;
    const [groups, [totals]] = await Promise.all([
      sumRollUps(db, filter, by === "day" ? { by, group: null, limit } : { by: null, group: by, limit }),
      sumRollUps(db, filter, { by: null, group: null, limit: 1 }),
    ]);
    const answer = {
      by,
      from: formatIso(filter.fromMs),
      to: formatIso(filter.toMs),
      groups: groups.slice(0, groupsMax).map(({ atMs, group, ...sums }) => {
        const value = by === "day" ? formatIso(atMs ?? 0).slice(0, 10) : nameGroup(by, group);
        return { group: value, ...sums };
      }),
      isTruncated: groups.length > groupsMax,
      totals: totals ? omitGroup(totals) : nothing,
      currency,
    };
    return c.json(answer, 200);
  },
);

function omitGroup({ atMs: _at, group: _group, ...sums }: RolledUp) {
  return sums;
}
