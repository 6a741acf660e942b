import type { Tickets } from "../agreements/tokens/ticket.ts";
import type { AttemptObserver } from "../fleet/port.ts";
import type { RetryBudget } from "./budget.ts";
import type { HopKey } from "./hop.ts";

/**
 * What forwarding needs from outside: a key to sign with, tickets for holds, a budget for retries, and an observer of
 * the nodes' answers.
 */
export interface Origin {
  hopKey: HopKey;
  tickets: Pick<Tickets, "make">;
  budget: RetryBudget;
  observer: AttemptObserver;
}
