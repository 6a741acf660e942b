import type { OrgId } from "../agreements/ids.ts";
import type { UsageRecord } from "../agreements/usage.ts";

/** Whoever keeps an org's holds. Settling is idempotent by hold id; when the store is out of reach it throws, and the batch comes again. */
export interface Settler {
  settle(org: OrgId, records: UsageRecord[]): Promise<{ result: string }[]>;
}
