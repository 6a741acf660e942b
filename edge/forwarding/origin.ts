import type { AttemptObserver } from "../fleet/port.ts";
import type { RetryBudget } from "./budget.ts";
import type { HopKey } from "./hop.ts";

/**
 * What forwarding needs from outside: a key to sign with, a budget for retries, and an observer of the nodes' answers.
 */
export interface Origin {
  hopKey: HopKey;
  budget: RetryBudget;
  observer: AttemptObserver;
}
