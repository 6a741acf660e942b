import type { FindNodeKeys } from "../agreements/tokens/node-keys.ts";
import type { Tickets } from "../agreements/tokens/ticket.ts";
import type { AttemptObserver } from "../fleet/port.ts";
import type { RetryBudget } from "./budget.ts";

/**
 * What forwarding needs from outside: the keys of nodes to sign with, tickets for holds, a budget for retries, and an
 * observer of the nodes' answers.
 */
export interface Origin {
  nodeKeys: FindNodeKeys;
  tickets: Pick<Tickets, "make">;
  budget: RetryBudget;
  observer: AttemptObserver;
}
