import type { Limits, Plan as OrgPlanName } from "#edge/agreements/records/quota.ts";

/** Who keeps the limits. */
export type Store = "durable-object" | "upstash";

/** All that a plan follows from: the same options, the same plan. */
export interface PlanOptions {
  seed: number;
  callers: number;
  store: Store;
  /** Edge processes that callers knock at; `null`: the seed says. */
  edges: 1 | 2 | null;
  /** Faults that are left out, by number: how a failing plan is made smaller without changing the rest of it. */
  without: readonly number[];
}

/** One storm as plain data. */
export interface StormPlan extends Omit<PlanOptions, "callers" | "edges"> {
  edges: 1 | 2;
  orgs: OrgPlan[];
  callers: CallerPlan[];
  faults: FaultPlan[];
}

/**
 * What an org of the storm is there for: a limit on requests a minute, the plans of the price list as they stand,
 * tokens a month, one key that is narrower than its org, idempotency keys that several callers share, or nothing in its
 * way.
 */
export type OrgKind = "minute" | "standard" | "professional" | "tokens" | "key" | "again" | "open";

/** One org of a storm. */
export interface OrgPlan {
  kind: OrgKind;
  plan: OrgPlanName;
  /** Over those of an enterprise plan without limits; ignored for the other plans. */
  limits: Partial<Limits>;
  /** Requests a minute of the org's second key; `null`: it has only one key. */
  narrowKey: number | null;
}

/** One caller, with all the calls they will make. */
export interface CallerPlan {
  /** Its org's place in `orgs`. */
  org: number;
  /** Calls with the org's second key. */
  isNarrow: boolean;
  edge: 0 | 1;
  /** Ms after the storm begins. */
  startMs: number;
  calls: CallPlan[];
}

/** One call, as it will be sent. */
export interface CallPlan {
  isStream: boolean;
  endpoint: "chat" | "completions";
  model: "chat" | "text2sql";
  /** The text of the prompt, and `max_tokens`. */
  prompt: string;
  tokens: number;
  /** Goes on to `tokens`; otherwise it may end by itself before. */
  isToTheEnd: boolean;
  /** Asks a stream for the usage chunk. */
  wantsUsage: boolean;
  /** Leaves after so many events; `null`: stays. */
  leavesAfter: number | null;
  /** An Idempotency-Key that other callers of the org use, too, with the same body. */
  again: string | null;
  /** `x-penstock-timeout-ms`. */
  timeoutMs: number;
}

/** A place in a call's life: it goes out, its headers come, an event of its stream comes, it has ended. */
export type Moment = "call" | "head" | "event" | "end";

/** What happens: a death (`kill-…`, by SIGKILL, started again after `forMs`) or a network that is cut for `forMs`. */
export type StormFaultKind =
  | "kill-edge"
  | "kill-agent"
  | "kill-engine"
  | "kill-redis"
  | "cut-redis"
  | "cut-origin"
  | "cut-usage";

/** One fault: what strikes, where, and when. */
export interface FaultPlan {
  /** 1, 2, 3 … in the order of the seed, also when some are left out. */
  number: number;
  kind: StormFaultKind;
  /** Which edge, or which node. */
  target: 0 | 1;
  /** At the first such moment after this share of the calls has begun, and so many ms after it. */
  when: { moment: Moment; share: number; afterMs: number };
  forMs: number;
}

/** A fault in a few words: `2 kill-edge 0 at event 0.40 + 60 ms for 0 ms`. */
export function describeFault({ number, kind, target, when, forMs }: FaultPlan): string {
  return (
    `${number} ${kind} ${target} at ${when.moment} ${when.share.toFixed(2)} + ${when.afterMs} ` +
    `ms${forMs > 0 ? ` for ${forMs} ms` : ""}`
  );
}
