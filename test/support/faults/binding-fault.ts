/**
 * A fault at a binding: where (`LEDGERS.admit`, `FLEET.heard`, `DB.read`, `DB.write`, `DB.usage`), for whom (an org, or
 * the cell that the header names), and how often.
 */
export interface BindingFault {
  at: string;
  key: string;
  fault: "timeout" | "error" | "slow" | "garbage" | "shape";
  times: number;
  /** How often it has struck. */
  struck?: number;
}
