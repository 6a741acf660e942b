import { createRoute, z } from "@hono/zod-openapi";
import { LoadReport, NodeRecord, NodeState } from "../../agreements/records/node.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { formatIso, Timestamp } from "../http/fields.ts";
import type { NodeReport } from "../http/port.ts";

const Node = NodeRecord.pick({ id: true, url: true, tier: true, models: true })
  .extend({
    kind: z.string().nullable(),
    state: NodeState.nullable().openapi({ description: "As it last reported; `null`: it has not been heard of." }),
    heardAt: Timestamp.nullable(),
    breaker: z.enum(["closed", "open", "probing"]).openapi({ description: "`open`: calls pass it by for now." }),
    load: LoadReport.nullable(),
    kvPoolTokens: z.int().nullable(),
  })
  .openapi("Node");

const Answer = z.strictObject({ at: Timestamp, nodes: z.array(Node) }).openapi("NodeList");

/**
 * Shows operators each node as configured and as it last reported. When the reports cannot be read, what this edge
 * knew before is shown: `heardAt` tells how old it is.
 */
export const listNodes = defineEndpoint(
  "nodes.read",
  createRoute({
    method: "get",
    path: "/nodes",
    operationId: "listNodes",
    tags: ["nodes"],
    summary: "List the nodes",
    request: { query: z.strictObject({}) },
    responses: { 200: describeJsonAnswer("The nodes.", Answer), default: refusalAnswer },
  }),
  async (c) => {
    const { visit, control } = c.var;
    await control.fleet.refresh(visit.now())?.catch(() => visit.log("fleet_unreadable"));
    const nowMs = visit.now();
    return c.json({ at: formatIso(nowMs), nodes: control.fleet.view(nowMs).map((node) => showNode(node, nowMs)) }, 200);
  },
);

function showNode({ record, heartbeatAgeMs, state, breaker, load, kvPoolTokens }: NodeReport, nowMs: number) {
  const { id, url, tier, models, kind = null } = record;
  const heardAt = heartbeatAgeMs === null ? null : formatIso(nowMs - heartbeatAgeMs);
  return { id, url, tier, models, kind, state, heardAt, breaker, load, kvPoolTokens };
}
