import { z } from "zod";
import { Endpoint, isDiscount, Price, priceMicrosMax, Tier } from "../records/model.ts";
import { isKeyId, isProjectId, KeyId, ProjectId } from "./ids.ts";

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
  /** The project that the key was in when the lease was given. */
  project: ProjectId.optional(),
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

/** What is right in each member of an object of this shape. */
type MemberTests<Shape> = Record<keyof Shape, (value: unknown) => boolean>;

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const isMicros = (value: unknown) => isCount(value) && Number(value) <= priceMicrosMax;
const isText = (value: unknown) => typeof value === "string";
const isTime = (value: unknown) => Number.isSafeInteger(value);
const priceTests: MemberTests<Price> = {
  promptMicrosPerMTok: isMicros,
  cachedMicrosPerMTok: (value) => value === undefined || isMicros(value),
  completionMicrosPerMTok: isMicros,
};
const termsTests: MemberTests<LeasedTerms> = {
  lease: isLeaseId,
  key: isKeyId,
  isKeyBooked: (value) => typeof value === "boolean",
  lineage: (value) => value === undefined || isKeyId(value),
  project: (value) => value === undefined || isProjectId(value),
  endpoint: (value) => Endpoint.options.some((name) => name === value),
  model: isText,
  tier: (value) => Tier.options.some((name) => name === value),
  price: (value) => fits<Price>(value, priceTests) && isDiscount(value),
  promptTokens: isCount,
  completionTokens: isCount,
  choices: isCount,
  admittedAtMs: isTime,
  expiresAtMs: isTime,
};

/** The terms, if this is their shape; else `null`. As by the schema, at less cost: every such call ends here. */
export function readLeasedTerms(value: unknown): LeasedTerms | null {
  return isLeasedTerms(value) ? value : null;
}

function isLeasedTerms(value: unknown): value is LeasedTerms {
  return fits(value, termsTests);
}

/** Tells whether each member is right, and there are no others. */
function fits<Shape>(value: unknown, tests: MemberTests<Shape>): value is Shape {
  if (typeof value !== "object" || value === null) return false;
  const members: Record<string, unknown> = { ...value };
  for (const name in tests) if (!tests[name](members[name])) return false;
  return Object.keys(members).every((name) => Object.hasOwn(tests, name));
}
