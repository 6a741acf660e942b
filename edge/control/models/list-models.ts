import { createRoute, z } from "@hono/zod-openapi";
import { ModelRecord } from "../../agreements/records/model.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";

const Model = ModelRecord.pick({
  id: true,
  aliases: true,
  endpoints: true,
  contextTokensMax: true,
  completionTokensDefault: true,
  ownedBy: true,
  prices: true,
}).openapi("ServedModel");

const Answer = z
  .strictObject({
    models: z.array(Model),
    currency: z.string().openapi({ description: "ISO 4217. Prices are in millionths of it, for a million tokens." }),
  })
  .openapi("ServedModelList");

/** Lists what is served, with context, prices and aliases: few and the same for every org, so in one piece. */
export const listModels = defineEndpoint(
  "models.read",
  createRoute({
    method: "get",
    path: "/models",
    operationId: "listServedModels",
    tags: ["models"],
    summary: "List the models that are served",
    request: { query: z.strictObject({}) },
    responses: { 200: describeJsonAnswer("The models.", Answer), default: refusalAnswer },
  }),
  (c) => {
    const { models, currency } = c.var.control;
    return c.json({ models: models.map(showModel), currency }, 200);
  },
);

function showModel(record: ModelRecord): z.infer<typeof Model> {
  const { id, aliases, endpoints, contextTokensMax, completionTokensDefault, ownedBy, prices } = record;
  return { id, aliases, endpoints, contextTokensMax, completionTokensDefault, ownedBy, prices };
}
