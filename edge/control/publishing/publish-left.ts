import type { Ledger } from "../../ledger/port.ts";
import type { Database } from "../http/store.ts";
import { publishRecord } from "./publish-record.ts";
import { selectUnpublished } from "./queries.ts";

/** How many records of a kind are published in a minute, and how many may fail before the ledger is let be. */
const leftMax = 200;
const failuresMax = 5;

/**
 * Publishes what was stored while the ledger was out of reach, or by whoever died before they had published it, so that
 * it comes into force though nobody repeats the request: a chore of each minute. Throws what failed first, after the
 * others were tried.
 */
export async function publishLeft(db: Database, publisher: Pick<Ledger, "publish">): Promise<void> {
  const failures: unknown[] = [];
  for (const record of await selectUnpublished(db, leftMax)) {
    try {
      await publishRecord({ db, publisher }, record);
    } catch (cause) {
      failures.push(cause);
      if (failures.length === failuresMax) break;
    }
  }
  if (failures.length > 0) throw failures[0];
}
