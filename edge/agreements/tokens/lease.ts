import { z } from "zod";
import { Endpoint, Price, Tier } from "../records/model.ts";
import { KeyId } from "./ids.ts";

const leaseForm = /^lease_[0-9A-Za-z]{22}$/;

/** A lease: what an isolate may admit by itself for a moment. Named by whoever asks for it, at random. */
export const LeaseId = z.string().regex(leaseForm);
export type LeaseId = z.infer<typeof LeaseId>;

/** Whether this is a lease's id, at less cost than by the schema. */
export const isLeaseId = (text: unknown): text is LeaseId => typeof text === "string" && leaseForm.test(text);

/**
 * All that a ledger needs to book a call which was admitted under a lease, and which it hears of only when the call
 * ends. It travels with the call: to the node in the ticket (ticket.ts), and back with the node's usage record. Tokens
 * as in a HoldRequest; times are Unix ms by the isolate's clock.
 */
export const LeasedTerms = z.strictObject({
  lease: LeaseId,
  key: KeyId,
  /** Whether the key had limits of its own, and whose counters those are when they are not the key's. */
  isKeyBooked: z.boolean(),
  lineage: KeyId.optional(),
  endpoint: Endpoint,
  model: z.string(),
  tier: Tier,
  price: Price,
  promptTokens: z.int().min(0),
  completionTokens: z.int().min(0),
  choices: z.int().min(0),
  admittedAtMs: z.int(),
  expiresAtMs: z.int(),
});
export type LeasedTerms = z.infer<typeof LeasedTerms>;
