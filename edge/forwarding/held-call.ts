import type { Tier } from "../agreements/records/model.ts";
import type { NodeRecord } from "../agreements/records/node.ts";
import type { HoldId, OrgId } from "../agreements/tokens/ids.ts";
import type { LeasedTerms } from "../agreements/tokens/lease.ts";
import type { Call } from "../protocol/openai/call.ts";
import type { LeaveSignal } from "../visit.ts";

/** What the org's ledger holds for this call. */
export interface Reserved {
  org: OrgId;
  hold: HoldId;
  tier: Tier;
  tokensHeld: number;
  completionTokens: number;
  /** By how much the prompt's bound was multiplied; 1 for not at all. */
  boundFactor: number;
  /** Somebody may wait for its end. */
  isUrgent?: true;
  /** Of a call that was admitted under a lease. */
  leased?: LeasedTerms;
}

/** A call, what is held for it, the nodes to try, best first, and a signal for when its caller has left. */
export interface HeldCall {
  call: Call;
  reserved: Reserved;
  nodes: NodeRecord[];
  signal: LeaveSignal;
}
