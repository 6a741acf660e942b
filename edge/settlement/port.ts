import type { OrgId } from "../agreements/tokens/ids.ts";
import type { SettledRecord } from "../ledger/port.ts";

/**
 * The ledgers that settle holds. Settling is idempotent by hold id; a batch whose ledger is unavailable is rejected at
 * its index, and its records are sent again.
 */
export interface Settler {
  settleAll(batches: { org: OrgId; records: SettledRecord[] }[]): Promise<PromiseSettledResult<{ result: string }[]>[]>;
}
