import { z } from "zod";
import { HoldId, NodeId, OrgId } from "./ids.ts";
import { boundFactorMax } from "../records/bound-factor.ts";
import { Endpoint, Tier } from "../records/model.ts";

/** Issuer of hop tokens, and audience of what agents sign in return. */
export const edgeIssuer = "penstock-edge";

/** Each token is for one use, 60 s and one body. */
const once = {
  jti: z.string().min(16),
  iat: z.int(),
  exp: z.int(),
  /** base64url SHA-256 of the request body as sent. */
  bodySha256: z.string().length(43),
};

/**
 * What the edge signs for each attempt: an EdDSA JWT (RFC 8037), valid 60 s, for one node (`aud`) and one body. The
 * agent verifies it with public keys only. `completionTokensMax` is what the hold covers for each of the `n` choices;
 * the agent never lets more through.
 */
export const HopClaims = z.object({
  iss: z.literal(edgeIssuer),
  aud: NodeId,
  ...once,
  org: OrgId,
  hold: HoldId,
  attempt: z.int().min(1),
  endpoint: Endpoint,
  model: z.string(),
  tier: Tier,
  tokensHeld: z.int().min(0),
  completionTokensMax: z.int().min(0),
  /**
   * The caller gave no `max_tokens`: when prompt and default do not fit the context together, the agent may lower it.
   */
  isDefaultMax: z.boolean(),
  /**
   * The edge's estimate of the prompt, which the agent compares with the engine's count. Absent for prompts with
   * images.
   */
  promptTokensGuess: z.int().min(0).optional(),
  /** By how much the prompt's bound was multiplied before it was held (bound-factor.ts); absent for not at all. */
  boundFactor: z.int().min(2).max(boundFactorMax).optional(),
  /** Shown with each usage record of the hold (ticket.ts). Absent where there is nothing to settle. */
  ticket: z.string().max(64).optional(),
  deadlineMs: z.int(),
  /** How long a stream's caller waits by their own `x-penstock-timeout-ms`, in ms; absent where they set none. */
  ownTimeoutMs: z.int().min(1).optional(),
});
export type HopClaims = z.infer<typeof HopClaims>;

/** What the edge signs to give an agent an order instead of a call. A hop token is not one: it has no `order`. */
export const OrderClaims = z.object({
  iss: z.literal(edgeIssuer),
  aud: NodeId,
  ...once,
  order: z.enum(["drain", "undrain", "models"]),
});
export type OrderClaims = z.infer<typeof OrderClaims>;

/**
 * What an agent signs when it sends usage or a heartbeat: issuer is the node, audience the edge, bound to the body. 60
 * s.
 */
export const NodeClaims = z.object({
  iss: NodeId,
  aud: z.literal(edgeIssuer),
  ...once,
});
export type NodeClaims = z.infer<typeof NodeClaims>;
