import type { OrgId } from "../agreements/tokens/ids.ts";
import type { UsageRecord } from "../agreements/records/usage.ts";

/**
 * Whoever keeps the holds. Settling is idempotent by hold id; an org whose ledger is out of reach is told at its place,
 * and its records come again.
 */
export interface Settler {
  settleAll(batches: { org: OrgId; records: UsageRecord[] }[]): Promise<PromiseSettledResult<{ result: string }[]>[]>;
}
