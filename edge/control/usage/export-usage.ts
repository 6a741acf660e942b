import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import { writeCsvLine } from "../csv.ts";
import { defineEndpoint, refusalAnswer } from "../http/endpoint.ts";
import { listStart } from "../http/fields.ts";
import type { Database } from "../http/store.ts";
import { OrgPath } from "../orgs/org.ts";
import { findOwner } from "./choose.ts";
import { filterFields, readFilter } from "./filter.ts";
import { selectUsage, type UsageFilter } from "./queries.ts";
import { sumRollUps } from "./rollup-queries.ts";
import { showUsage, Usage, type ShownUsage } from "./totals.ts";

const pageRows = 2_000;
/** As many pages as a Worker may ask for while it answers, and some to spare. */
const exportCallsMax = 1_000_000;
const dayMs = 86_400_000;
const exportDays = 30;

const formats = { csv: "text/csv; charset=utf-8", jsonl: "application/jsonl" } as const;
const Query = z.strictObject({ ...filterFields, format: z.enum(["csv", "jsonl"]).default("csv") });
const columns = Usage.keyof().options;

/**
 * Every line of the bill that matches, newest first, as CSV or as JSON lines: the last 30 days up to now where no range
 * is given. It is read and sent page by page. An export that breaks off ends without its last chunk, so no client takes
 * it for whole; one of more than a million calls is refused before it begins.
 */
export const exportUsage = defineEndpoint(
  "usage.read",
  createRoute({
    method: "get",
    path: "/orgs/{org}/usage/export",
    operationId: "exportUsage",
    tags: ["usage"],
    summary: "Export usage, call by call",
    request: { params: OrgPath, query: Query },
    responses: {
      200: {
        description: "The rows. The columns of the CSV are the members of a JSON line.",
        content: { "text/csv": { schema: z.string() }, "application/jsonl": { schema: z.string() } },
      },
      default: refusalAnswer,
    },
  }),
  async (c) => {
    const { control, org, visit } = c.var;
    const { format, ...query } = c.req.valid("query");
    const to = query.to ?? visit.now() + 1;
    const from = query.from ?? Math.max(0, to - exportDays * dayMs);
    if (from >= to) throw new Refusal("invalid_value", { param: "from", message: "from: Must be before `to`." });
    const filter = { ...readFilter(org.id, { ...query, from, to }, control.models), owner: findOwner(c) };
    await refuseTooMany(control.db, filter, { from, to });
    const pages = readPages(control.db, filter, format === "csv" ? writeCsvRow : writeJsonRow);
    const first = await pages.next();
    const head = format === "csv" ? writeCsvLine(columns) : "";
    const body = streamText(head + (first.value ?? ""), pages);
    const name = `usage-${org.id}-${new Date(from).toISOString().slice(0, 10)}.${format}`;
    return new Response(body, {
      headers: { "content-type": formats[format], "content-disposition": `attachment; filename="${name}"` },
    });
  },
);

/** How many there are is known from roll-ups, in whole hours; so some more may pass. */
async function refuseTooMany(db: Database, filter: UsageFilter, { from, to }: { from: number; to: number }) {
  const hourMs = dayMs / 24;
  const hours = { fromMs: Math.ceil(from / hourMs) * hourMs, toMs: Math.floor(to / hourMs) * hourMs };
  if (hours.fromMs >= hours.toMs) return;
  const [sums] = await sumRollUps(db, { ...filter, ...hours }, { by: null, group: null, limit: 1 });
  if ((sums?.calls ?? 0) > exportCallsMax)
    throw new Refusal("invalid_value", {
      param: "from",
      message: `from: That is ${sums?.calls} calls; an export has ${exportCallsMax} at most. Take it in parts.`,
    });
}

/** The text of each page. */
async function* readPages(
  db: Database,
  filter: UsageFilter,
  write: (row: ShownUsage) => string,
): AsyncGenerator<string> {
  let cursor = listStart;
  for (;;) {
    const rows = await selectUsage(db, filter, cursor, pageRows);
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map((row) => write(showUsage(row))).join("");
    if (rows.length < pageRows) return;
    cursor = { ms: last.admittedAtMs, id: last.id };
  }
}

function writeCsvRow(row: ShownUsage): string {
  return writeCsvLine(columns.map((name) => row[name]));
}

function writeJsonRow(row: ShownUsage): string {
  return `${JSON.stringify(row)}\n`;
}

/** Reads the next page when the one before is on its way: never more than that is in memory. */
function streamText(first: string, pages: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(first)),
    pull: async (controller) => {
      const { done, value } = await pages.next();
      if (done) return controller.close();
      controller.enqueue(encoder.encode(value));
    },
    cancel: async () => void (await pages.return(undefined)),
  });
}
