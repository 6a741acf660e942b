import type { Ledger, PublishedRecord } from "../../ledger/port.ts";
import type { Database } from "../http/store.ts";
import { markPublished } from "./queries.ts";

/**
 * Publishes a record and notes that the data plane has it: the one way to do either. Throws when the ledger is out of
 * reach. When only the note fails, the record is in force, and the cron publishes it once more.
 */
export async function publishRecord(
  { db, publisher }: { db: Database; publisher: Pick<Ledger, "publish"> },
  record: PublishedRecord,
): Promise<void> {
  await publisher.publish(record);
  await markPublished(db, record)
    .run()
    .catch(() => null);
}
