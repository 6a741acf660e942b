import type { LeasedTerms } from "#edge/agreements/tokens/lease.ts";

/** The terms of a call under a lease: ten tokens of prompt, at most twenty more. */
export const leasedTerms: LeasedTerms = {
  lease: `lease_${"1".repeat(22)}`,
  key: `key_${"1".repeat(16)}`,
  isKeyBooked: true,
  endpoint: "chat.completions",
  model: "small",
  tier: "shared",
  price: { promptMicrosPerMTok: 1_000_000, completionMicrosPerMTok: 2_000_000 },
  promptTokens: 10,
  completionTokens: 20,
  choices: 1,
  admittedAtMs: 1_960_000_000_000,
  expiresAtMs: 1_960_000_900_000,
};
