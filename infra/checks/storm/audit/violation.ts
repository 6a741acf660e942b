/** What is wrong, in words that name the org, the hold or the call. `rule` is the promise that was broken. */
export interface Violation {
  rule:
    | "overshoot"
    | "under-admission"
    | "conservation"
    | "open holds"
    | "bill"
    | "double"
    | "unbilled"
    | "announced errors"
    | "truncation"
    | "hung"
    | "idempotency"
    | "empty storm";
  what: string;
}
