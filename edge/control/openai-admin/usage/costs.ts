import { createRoute, z } from "@hono/zod-openapi";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../../http/endpoint.ts";
import { listField, readList } from "../lists.ts";
import { bucketFields, bucketWidths, describeBuckets, readBuckets, showBuckets } from "./buckets.ts";
import { chosenFields, readGroups, resolveNames, sumGroups, type GroupedSums } from "./groups.ts";

const daysMax = 180;
const microsPerUnit = 1_000_000;

/** What costs can be grouped by: a line item is a model. */
const costGroups = { project_id: "project", user_id: "member", api_key_id: "key", line_item: "model" } as const;

const id = z.string().nullable();
const none = { project_id: null, user_id: null, api_key_id: null, line_item: null };
const Result = z
  .strictObject({
    object: z.literal("organization.costs.result"),
    amount: z.strictObject({
      value: z.number().openapi({ description: "In units of the currency, to the millionth." }),
      currency: z.string().openapi({ description: "ISO 4217, in small letters." }),
    }),
    project_id: id,
    user_id: id,
    api_key_id: id,
    line_item: id.openapi({ description: "The model." }),
    quantity: z.null(),
    quantity_unit: z.null(),
  })
  .openapi("OpenAiCost");

const Query = z.strictObject({
  ...bucketFields,
  bucket_width: z.literal("1d").optional(),
  ...chosenFields,
  ...listField("line_items", z.string().min(1).max(200)),
  ...listField("group_by", z.string().min(1).max(50)),
});

function toCost({ costMicros, named }: GroupedSums, currency: string): z.infer<typeof Result> {
  const amount = { value: costMicros / microsPerUnit, currency: currency.toLowerCase() };
  return { object: "organization.costs.result", amount, ...none, ...named, quantity: null, quantity_unit: null };
}

/** What calls have cost, by UTC day, from roll-ups. */
export const openAiCosts = defineEndpoint(
  "costs.read",
  createRoute({
    method: "get",
    path: "/costs",
    operationId: "openaiCosts",
    tags: ["openai-admin"],
    summary: "Show costs over time, in OpenAI's form",
    request: { query: Query },
    responses: {
      200: describeJsonAnswer("A page of buckets.", describeBuckets(Result, "OpenAiCost")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { bucket_width: _, ...query } = c.req.valid("query");
    const width = { ...bucketWidths["1d"], max: daysMax };
    const page = readBuckets(query, width, c.var.visit.now());
    const models = resolveNames(c, readList(query, "line_items"));
    const wanted = { query, groups: readGroups(query, costGroups), models };
    const rows = await sumGroups(c, wanted, { ...page, by: width.by });
    return c.json(
      showBuckets(page, width.ms, rows, (row) => toCost(row, c.var.control.currency)),
      200,
    );
  },
);
