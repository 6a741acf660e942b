import { Refusal } from "#edge/errors.ts";

/** Lets one long call for scores at a time to an engine. */
export interface ScoredGate {
  /**
   * Does the work; where `isLong`, holds the engine's one place for such calls meanwhile. Throws 503
   * `server_is_overloaded` while another has it: the call may be free at another node at once, which a queue here would
   * keep it from, and its hold and deadline would run while it waits.
   */
  run<Result>(isLong: boolean, work: () => Promise<Result>): Promise<Result>;
}

/**
 * Opens the gate of one engine. The scores of a long prompt are its logits, all at once: 2.5 GB for 4,096 tokens of a
 * vocabulary of 152,000, as 32-bit numbers. Two of them side by side may be more memory than a GPU has left, and then
 * all its streams end.
 */
export function openScoredGate(): ScoredGate {
  let isTaken = false;
  return {
    async run(isLong, work) {
      if (!isLong) return work();
      if (isTaken) throw new Refusal("server_is_overloaded", { retryAfterMs: 1_000, log: "scores_busy" });
      isTaken = true;
      try {
        return await work();
      } finally {
        isTaken = false;
      }
    },
  };
}
