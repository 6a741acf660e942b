import { createRoute, z } from "@hono/zod-openapi";
import { selectAudit } from "../../audit/queries.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../../http/endpoint.ts";
import { pageRowsDefault } from "../../http/fields.ts";
import { afterFields, describeList, listField, readList, refuseAfter, showList } from "../lists.ts";
import { QuerySeconds } from "../usage/buckets.ts";
import { OpenAiAuditLog, readEntry, readTypes, toOpenAiAuditLog } from "./event.ts";

const text = z.string().min(1).max(100);
const moment = QuerySeconds.optional();
const Query = z.strictObject({
  ...afterFields,
  ...listField("event_types", text),
  ...listField("actor_ids", text),
  ...listField("resource_ids", text),
  "effective_at[gt]": moment,
  "effective_at[gte]": moment,
  "effective_at[lt]": moment,
  "effective_at[lte]": moment,
});
type AuditLogQuery = z.infer<typeof Query>;

/** Lists what was done to the org, newest first. */
export const openAiListAuditLogs = defineEndpoint(
  "audit.read",
  createRoute({
    method: "get",
    path: "/audit_logs",
    operationId: "openaiListAuditLogs",
    tags: ["openai-admin"],
    summary: "List what was done to an org, in OpenAI's form",
    request: { query: Query },
    responses: {
      200: describeJsonAnswer("A page of entries.", describeList(OpenAiAuditLog, "OpenAiAuditLogList")),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org } = c.var;
    const query = c.req.valid("query");
    const { limit = pageRowsDefault, after } = query;
    const last = after === undefined ? Number.MAX_SAFE_INTEGER : readEntry(after);
    if (last === null) throw refuseAfter();
    const types = readList(query, "event_types");
    const filter = {
      org: org.id,
      action: types && readTypes(types),
      actor: readList(query, "actor_ids"),
      target: readList(query, "resource_ids"),
      ...readSpan(query),
    };
    const rows = await selectAudit(control.db, filter, last, limit + 1);
    return c.json(showList(rows.slice(0, limit).map(toOpenAiAuditLog), rows.length > limit), 200);
  },
);

/** From when, up to but not at when, in Unix ms: seconds as OpenAI shows them. */
function readSpan(query: AuditLogQuery): { fromMs?: number | undefined; toMs?: number | undefined } {
  const { "effective_at[gt]": gt, "effective_at[gte]": gte, "effective_at[lt]": lt, "effective_at[lte]": lte } = query;
  const from = [gte, gt === undefined ? undefined : gt + 1].filter((second) => second !== undefined);
  const to = [lt, lte === undefined ? undefined : lte + 1].filter((second) => second !== undefined);
  return {
    fromMs: from.length === 0 ? undefined : Math.max(...from) * 1_000,
    toMs: to.length === 0 ? undefined : Math.min(...to) * 1_000,
  };
}
