import { createRoute, z } from "@hono/zod-openapi";
import { digestBody } from "../../agreements/digest.ts";
import { Refusal } from "../../errors.ts";
import { endedRetentionMs } from "../../limits.ts";
import { defineEndpoint, describeJsonAnswer, refusalAnswer } from "../http/endpoint.ts";
import { formatIso } from "../http/fields.ts";
import { OrgPath } from "../orgs/org.ts";
import { Month, readMonth } from "./month.ts";
import { isAddedUp, selectStatement, statementLinesMax } from "./queries.ts";
import { statementStyle, writeStatementPage } from "./statement-page.ts";
import { showLine, Statement, sumLines, writeStatementCsv } from "./statement.ts";

const Query = z.strictObject({ format: z.enum(["json", "csv", "html"]).default("json") });

/** An org's bill for a UTC month, by project, model and tier: the sum of all that was settled in it. */
export const showStatement = defineEndpoint(
  "costs.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/statements/{month}",
    operationId: "showStatement",
    tags: ["costs"],
    summary: "Show a month's statement",
    request: { params: OrgPath.extend({ month: Month }), query: Query },
    responses: {
      200: {
        description: "The statement, as JSON, CSV, or a page that prints well.",
        content: {
          ...describeJsonAnswer("", Statement).content,
          "text/csv": { schema: z.string() },
          "text/html": { schema: z.string() },
        },
      },
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org, visit } = c.var;
    const { month } = c.req.valid("param");
    const { format } = c.req.valid("query");
    const span = readMonth(month);
    const nowMs = visit.now();
    const lines = await selectStatement(control.db, org.id, span);
    if (lines.length > statementLinesMax)
      throw new Refusal("invalid_value", { param: "month", message: `month: More than ${statementLinesMax} lines.` });
    const statement = {
      org: org.id,
      orgName: org.name,
      month,
      isFinal: nowMs >= span.toMs + endedRetentionMs && (await isAddedUp(control.db)),
      writtenAt: formatIso(nowMs),
      lines: lines.map(showLine),
      totals: sumLines(lines),
      currency: control.currency,
    };
    if (format === "json") return c.json(statement, 200);
    const name = `statement-${org.id}-${month}`;
    if (format === "csv") {
      const headers = { "content-disposition": `attachment; filename="${name}.csv"` };
      return new Response(writeStatementCsv(statement), {
        headers: { "content-type": "text/csv; charset=utf-8", ...headers },
      });
    }
    const style = `${digestBody(statementStyle).replaceAll("-", "+").replaceAll("_", "/")}=`;
    const policy = `default-src 'none'; style-src 'sha256-${style}'; frame-ancestors 'none'; base-uri 'none'`;
    return new Response(writeStatementPage(statement), {
      headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
    });
  },
);
