import { writeUsage } from "../../d1/usage.ts";
import type { OutboxBatch, SqliteJournal } from "./journal/ledger-journal.ts";

/** How long D1 has for one batch. */
const drainWaitMsMax = 10_000;

/**
 * Sends the bill of all orgs to D1, oldest first. Rows are marked only after D1 has them: a crash in between sends them
 * again, and D1 knows them by id. Rejects when D1 did not take all; what it refuses of one org holds up no other's.
 */
export async function drainOutbox(db: D1Database, journal: SqliteJournal): Promise<void> {
  let refused: unknown = null;
  for (let batch = journal.readOutbox(0); batch; batch = journal.readOutbox(batch.seq)) {
    const failure = await sendBatch(db, batch);
    // A second that fails, and it is D1 that does.
    if (refused !== null && failure !== null) break;
    refused ??= failure;
    // What comes after a refused row is sent, but not marked: it goes again, together with that row.
    if (refused === null) journal.markDrained(batch);
  }
  if (refused !== null) throw refused;
}

/**
 * Sends a batch; one that fails as a whole is sent again org by org. Answers why one org's rows were refused, or null.
 * Throws when the rows of a second org are refused as well: then it is D1 that fails.
 */
async function sendBatch(db: D1Database, { rows }: OutboxBatch): Promise<unknown> {
  try {
    await writeUsage(db, rows, drainWaitMsMax);
    return null;
  } catch (cause) {
    const byOrg = Map.groupBy(rows, ({ org }) => org);
    if (byOrg.size === 1) return cause;
    const failures: unknown[] = [];
    for (const some of byOrg.values()) {
      await writeUsage(db, some, drainWaitMsMax).catch((failure: unknown) => failures.push(failure));
      if (failures.length > 1) throw cause;
    }
    return failures[0] ?? null;
  }
}
