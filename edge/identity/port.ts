/**
 * Whether a call may pass. For one that may not: when the next may, and its window for the headers; null where only the
 * platform knows the numbers.
 */
export type IpDecision =
  | { isAllowed: true }
  | { isAllowed: false; retryAfterMs: number; window: { limit: number; resetMs: number } | null };

/**
 * Counts calls by network (`findNetwork`, agreements/ip.ts), for all isolates or many: a cheap shield in front, not a
 * quota. Throws when the counter is unavailable; the room decides what then happens.
 */
export interface IpLimit {
  /** Counts one call, unless it is refused. */
  take(network: string): Promise<IpDecision>;
  /** Counts one more call, for a failed authentication. */
  penalize(network: string): Promise<void>;
}

/** The same within one isolate: no I/O, immediate, and never unavailable. */
export interface LocalIpLimit {
  take(network: string): IpDecision;
  penalize(network: string): void;
}
