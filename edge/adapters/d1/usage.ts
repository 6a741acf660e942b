import type { UsageRow } from "../../ledger/port.ts";
import { within } from "../within.ts";

/**
 * One statement for any number of rows. DO NOTHING on a known id alone: `OR IGNORE` would also pass over a row that
 * breaks a constraint, and a line of the bill would be lost without a word.
 */
const insert = `
  INSERT INTO usage (id, hold, org, "key", model, tier, endpoint, "end", response_id,
                     prompt_tokens, cached_tokens, completion_tokens, cost_micros, admitted_at_ms, ended_at_ms)
  SELECT value ->> 'id', value ->> 'hold', value ->> 'org', value ->> 'key', value ->> 'model', value ->> 'tier',
         value ->> 'endpoint', value ->> 'end', value ->> 'responseId',
         value ->> 'promptTokens', value ->> 'cachedTokens',
         value ->> 'completionTokens', value ->> 'costMicros', value ->> 'admittedAtMs', value ->> 'endedAtMs'
  FROM json_each(?) WHERE true
  ON CONFLICT (id) DO NOTHING`;

/**
 * Writes lines of the bill, each once however often it is sent. Throws when D1 did not take all of them, or did not
 * answer in `msMax`.
 */
export async function writeUsage(db: D1Database, rows: UsageRow[], msMax: number): Promise<void> {
  if (rows.length === 0) return;
  const answer = await within<{ success: boolean }>(
    msMax,
    "usage",
    db.prepare(insert).bind(JSON.stringify(rows)).run(),
  );
  if (answer?.success !== true) throw new Error("usage: D1 did not confirm the rows");
}
