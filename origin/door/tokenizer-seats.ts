import { Refusal } from "#edge/errors.ts";
import { admissionCountsAtOnce, admissionCountsPerOrg, tokenizersAtOnce, tokenizersPerOrg } from "#edge/limits.ts";

/** How many questions there may be: in all, and of one org. */
export interface SeatBounds {
  all: number;
  perOrg: number;
}

/** How many questions an engine's tokenizer works at: it does so beside the streams that it serves. */
export interface TokenizerSeats {
  /** Takes a seat for an org; returns how to give it back. Throws 503 where it has its share, or all are taken. */
  take(org: string): () => void;
}

/** Opens the seats of one engine; an org has some of them only, so that it keeps no other from counting. */
export function openTokenizerSeats({ all: allMax, perOrg }: SeatBounds): TokenizerSeats {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    take(org) {
      const own = taken.get(org) ?? 0;
      if (all >= allMax || own >= perOrg)
        throw new Refusal("server_is_overloaded", { retryAfterMs: 1_000, log: "tokenizer_busy" });
      all++;
      taken.set(org, own + 1);
      return () => {
        all--;
        const left = (taken.get(org) ?? 1) - 1;
        if (left === 0) taken.delete(org);
        else taken.set(org, left);
      };
    },
  };
}

/** Seats of an engine: of what callers ask, and of the calls that wait to be admitted, which no question keeps out. */
export interface EngineSeats {
  questions: TokenizerSeats;
  admissions: TokenizerSeats;
}

/** Opens both kinds of seats of one engine. */
export function openEngineSeats(): EngineSeats {
  return {
    questions: openTokenizerSeats({ all: tokenizersAtOnce, perOrg: tokenizersPerOrg }),
    admissions: openTokenizerSeats({ all: admissionCountsAtOnce, perOrg: admissionCountsPerOrg }),
  };
}
