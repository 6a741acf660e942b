/**
 * May a call pass? For one that may not: when the next may, and what the headers tell of its window; null where only
 * the platform knows its numbers.
 */
export type IpVerdict =
  | { isAllowed: true }
  | { isAllowed: false; retryAfterMs: number; window: { limit: number; resetMs: number } | null };

/**
 * Counts calls by the network that they come from (`networkOf`, agreements/ip.ts), for all isolates or many: a shield
 * before anything costs, not a quota. A count that cannot be reached throws; what then happens is the room's to decide.
 */
export interface IpLimit {
  /** Counts one call, unless it is refused. */
  take(network: string): Promise<IpVerdict>;
  /** Counts one call more, for a failed authentication. */
  penalize(network: string): Promise<void>;
}

/** The same for one isolate: it costs no I/O, is known at once and never out of reach. */
export interface NearIpLimit {
  take(network: string): IpVerdict;
  penalize(network: string): void;
}
