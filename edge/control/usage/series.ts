import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { chooseRollUps, nameGroup, rollUpFields, type RangeRule } from "./choose.ts";
import { Latency } from "./latency.ts";
import { Dimension, listDearest, otherGroups, sumSeries, type RolledUp } from "./rollup-queries.ts";
import { Currency, UsageTotals } from "./totals.ts";

const seriesGroupsMax = 20;
const rules: Record<"hour" | "day", RangeRule> = {
  hour: { unit: "hour", daysDefault: 1, daysMax: 31 },
  day: { unit: "day", daysDefault: 30, daysMax: 366 },
};

const Query = z.strictObject({ by: z.enum(["hour", "day"]), group: Dimension.optional(), ...rollUpFields });

const Group = z
  .string()
  .nullable()
  .openapi({
    description:
      `What it is grouped by; \`${otherGroups}\` are all but the ${seriesGroupsMax} dearest; null is no project, ` +
      "or nobody.",
  });
const Amounts = {
  ...UsageTotals.shape,
  failedCalls: z.int().openapi({ description: "Of the calls, those that failed or expired." }),
  /** From admission to the end; of calls that did not expire. */
  duration: Latency.nullable(),
  /** To the first token, measured at the node. */
  ttft: Latency.nullable(),
};
const Point = z.strictObject({ at: Timestamp, group: Group, ...Amounts }).openapi("UsagePoint");
const SeriesGroup = z.strictObject({ group: Group, ...Amounts }).openapi("UsageSeriesGroup");

const Answer = z
  .strictObject({
    by: Query.shape.by,
    group: Dimension.nullable(),
    from: Timestamp,
    to: Timestamp,
    points: z.array(Point),
    groups: z.array(SeriesGroup),
    currency: Currency,
  })
  .openapi("UsageSeries");

/**
 * An org's usage over time, by UTC hour or day, and by what it is grouped by: from roll-ups, so it takes as long for
 * ten million calls as for ten. Where nothing was used there is no point. At most 31 days by the hour, 366 by the day.
 */
export const showSeries = defineEndpoint(
  "usage.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/usage/series",
    operationId: "showUsageSeries",
    tags: ["usage"],
    summary: "Show usage over time",
    request: { params: OrgPath, query: Query },
    responses: {
      200: describeJsonAnswer("The points, in their order, and the groups.", Answer),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { db, currency } = c.var.control;
    const { by, group = null, ...query } = c.req.valid("query");
    const filter = chooseRollUps(c, query, rules[by]);
    const values = group === null ? [] : await listDearest(db, filter, group, seriesGroupsMax + 1);
    const folded = values.length > seriesGroupsMax ? { only: values.slice(0, seriesGroupsMax) } : {};
    const { points, groups } = await sumSeries(db, filter, { by, group, ...folded, limit: Number.MAX_SAFE_INTEGER });
    const show = ({ atMs: _at, group: value, ...rest }: RolledUp) => ({ group: nameGroup(group, value), ...rest });
    const answer = {
      by,
      group,
      from: formatIso(filter.fromMs),
      to: formatIso(filter.toMs),
      points: points.map((point) => ({ at: formatIso(point.atMs ?? 0), ...show(point) })),
      groups: groups.map(show),
      currency,
    };
    return c.json(answer, 200);
  },
);
