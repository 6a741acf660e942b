import type { Limits } from "#edge/agreements/records/quota.ts";
import type { Struck } from "../arena/conductor.ts";
import type { BilledHold, LedgerView } from "../arena/control.ts";
import type { EngineCall } from "../arena/engine.ts";
import type { AttemptOutcome } from "../crew/outcome.ts";
import type { CallPlan, OrgPlan, StormPlan } from "../plan/plan.ts";
import type { WindowFault } from "./watch.ts";

/** A line of the bill in D1. */
export interface BillRow extends BilledHold {
  id: string;
  org: string;
  costMicros: number;
}

/** One org after the storm. `limits` are those in force. */
export interface OrgEvidence {
  id: string;
  plan: OrgPlan;
  limits: Partial<Limits>;
  ledger: LedgerView;
  /** From every edge's D1; a row that two of them have appears twice. */
  rows: BillRow[];
}

/** All that is known of one storm when it is over, as plain data: what the audit reads. */
export interface Evidence {
  plan: StormPlan;
  startedAtMs: number;
  endedAtMs: number;
  outcomes: AttemptOutcome[];
  orgs: OrgEvidence[];
  engineCalls: EngineCall[];
  struck: Struck[];
  /** Faults that the inspections during the storm found, and how many inspections there were. */
  watched: { wrong: WindowFault[]; polls: number };
}

/** The call that an outcome is one try of. */
export function findCall(plan: StormPlan, { caller, call }: Pick<AttemptOutcome, "caller" | "call">): CallPlan {
  const found = plan.callers[caller]?.calls[call];
  if (!found) throw new RangeError("an outcome of no call");
  return found;
}
