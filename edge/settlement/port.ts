import type { OrgId } from "../agreements/tokens/ids.ts";
import type { UsageRecord } from "../agreements/records/usage.ts";

/**
 * The ledgers that settle holds. Settling is idempotent by hold id; a batch whose ledger is unavailable is rejected at
 * its index, and its records are sent again.
 */
export interface Settler {
  settleAll(batches: { org: OrgId; records: UsageRecord[] }[]): Promise<PromiseSettledResult<{ result: string }[]>[]>;
}
