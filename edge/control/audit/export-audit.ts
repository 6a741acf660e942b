import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { describeCause } from "../../errors.ts";
import { defineEndpoint, describeStream, refusalAnswer } from "../http/endpoint.ts";
import type { ControlEnv } from "../http/port.ts";
import { OrgPath } from "../orgs/org.ts";
import { auditOrg } from "../orgs/commit-org.ts";
import { selectChain, selectHeads, type SignedHead } from "./queries.ts";

const rowsAtOnce = 500;

/**
 * Exports an org's whole log, oldest first, one entry a line, as it was hashed: what `penstock audit verify` reckons
 * again; behind them the heads that were signed. The export is itself an entry, the last one in it. It is streamed;
 * should the store fail on the way, the connection breaks, so half a log is never taken for a whole one.
 */
export const exportAudit = defineEndpoint(
  "audit.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/audit/export",
    operationId: "exportAudit",
    tags: ["audit"],
    summary: "Export an org's audit log",
    request: { params: OrgPath },
    responses: {
      200: describeStream("JSON lines.", "application/jsonl"),
      default: refusalAnswer,
    },
  }),
  async (c) => {
    await auditOrg(c, "audit.exported", { before: null, after: null });
    c.header("content-type", "application/jsonl; charset=utf-8");
    c.header("content-disposition", `attachment; filename="audit-${c.var.org.id}.jsonl"`);
    return c.body(streamLog(c), 200);
  },
);

const writeLine = (head: SignedHead): string => `${JSON.stringify({ head })}\n`;

function streamLog(c: Context<ControlEnv>): ReadableStream<Uint8Array> {
  const { control, org, visit } = c.var;
  const encoder = new TextEncoder();
  let after = 0;
  return new ReadableStream({
    async pull(controller) {
      try {
        const rows = await selectChain(control.db, org.id, after, rowsAtOnce);
        after = rows.at(-1)?.seq ?? after;
        if (rows.length > 0) controller.enqueue(encoder.encode(rows.map((row) => `${JSON.stringify(row)}\n`).join("")));
        if (rows.length === rowsAtOnce) return;
        const heads = await selectHeads(control.db, org.id, after);
        if (heads.length > 0) controller.enqueue(encoder.encode(heads.map(writeLine).join("")));
        controller.close();
      } catch (cause) {
        visit.log("export_broken", { cause: describeCause(cause) });
        controller.error(cause);
      }
    },
  });
}
