import { boundFactorMax } from "../records/bound-factor.ts";
import { Endpoint, Tier } from "../records/model.ts";
import type { HoldId, NodeId, OrgId } from "./ids.ts";
import { buildForm, fieldForms, makeMacToken, verifyMacToken, type MacKeys } from "./mac-token.ts";
import { ticketForm } from "./ticket.ts";

/** Each token of the edge's is for one node, one use, a minute and one body. */
export interface OnceClaims {
  node: NodeId;
  /** 22 random characters: the agent takes each once. */
  jti: string;
  issuedAtMs: number;
  /** base64url SHA-256 of the request body as sent. */
  bodySha256: string;
}

/**
 * What the edge says of an attempt. `completionTokensMax` is what the hold covers for each of the `n` choices; the
 * agent never lets more through. Counts are whole numbers from 0 up.
 */
export interface HopClaims extends OnceClaims {
  org: OrgId;
  hold: HoldId;
  /** From 1. */
  attempt: number;
  endpoint: Endpoint;
  model: string;
  tier: Tier;
  tokensHeld: number;
  completionTokensMax: number;
  /**
   * The caller gave no `max_tokens`: when prompt and default do not fit the context together, the agent may lower it.
   */
  isDefaultMax: boolean;
  /**
   * The edge's estimate of the prompt, which the agent compares with the engine's count. Absent for prompts with
   * images.
   */
  promptTokensGuess?: number;
  /** By how much the prompt's bound was multiplied before it was held (bound-factor.ts); absent for not at all. */
  boundFactor?: number;
  /** Shown with each usage record of the hold (ticket.ts). Absent where there is nothing to settle. */
  ticket?: string;
  deadlineMs: number;
  /** How long a stream's caller waits by their own `x-penstock-timeout-ms`, in ms; absent where they set none. */
  ownTimeoutMs?: number;
  /** Somebody may wait for the end of the call: its last record leaves at once. Absent where nobody does. */
  isUrgent?: true;
  /** What one unit counts as, in tokens, on the bill. Absent where the engine's own counts are billed. */
  unitTokens?: number;
}

/** An order to an agent instead of a call. */
export type Order = "drain" | "undrain" | "models";

/** What the edge says of an order. A hop token is not one: it is of another kind. */
export interface OrderClaims extends OnceClaims {
  order: Order;
}

const [hopKind, orderKind] = ["hop1", "order1"];
const { count } = fieldForms;
const once = { node: fieldForms.node, jti: "[0-9A-Za-z]{22}", issuedAtMs: count, bodySha256: fieldForms.digest };

/** What a hop token's fields look like, in their order. An optional field that is absent is empty. */
const hopForm = buildForm(
  hopKind,
  {
    ...once,
    org: "org_[0-9A-Za-z]{10}",
    hold: "hold_[0-9A-Za-z]{22}",
    attempt: "[1-9]",
    endpoint: Endpoint.options.map((name) => name.replaceAll(".", "\\.")).join("|"),
    // As encodeURIComponent writes it: a model's id may have any character.
    model: "(?:[\\w.!~*'()-]|%[0-9A-F]{2}){1,3072}",
    tier: Tier.options.join("|"),
    tokensHeld: count,
    completionTokensMax: count,
    isDefaultMax: "[01]",
    promptTokensGuess: `${count}|`,
    boundFactor: `${count}|`,
    ticket: `${ticketForm}|`,
    deadlineMs: count,
    ownTimeoutMs: `${count}|`,
    isUrgent: "1|",
    unitTokens: `${count}|`,
  },
  // An edge may be newer than its agents: fields that it has added at the end are theirs to ignore.
  "(?::[^:\\s]{0,1024}){0,8}",
);
const orderForm = buildForm(orderKind, { ...once, order: "drain|undrain|models" });

/** Makes a hop token under the node's `hop` keys. `hopForm` says which fields it has. */
export function makeHop(claims: HopClaims, keys: MacKeys): string {
  const fields = [
    ...listOnce(claims),
    claims.org,
    claims.hold,
    claims.attempt,
    claims.endpoint,
    encodeURIComponent(claims.model),
    claims.tier,
    claims.tokensHeld,
    claims.completionTokensMax,
    claims.isDefaultMax ? 1 : 0,
    claims.promptTokensGuess ?? "",
    claims.boundFactor ?? "",
    claims.ticket ?? "",
    claims.deadlineMs,
    claims.ownTimeoutMs ?? "",
    claims.isUrgent ? 1 : "",
    claims.unitTokens ?? "",
  ];
  return makeMacToken(hopKind, fields, keys);
}

/** What a hop token claims, if it was made under one of these keys; null for anything else. */
export function verifyHop(token: string, keys: MacKeys): HopClaims | null {
  const fields = verifyMacToken(hopForm, token, keys);
  const once = fields && readOnce(fields);
  if (!once) return null;
  const { org = "", hold = "", promptTokensGuess, boundFactor, ticket, ownTimeoutMs, isUrgent, unitTokens } = fields;
  const [endpoint, tier, model] = [
    Endpoint.options.find((name) => name === fields["endpoint"]),
    Tier.options.find((name) => name === fields["tier"]),
    decodeModel(fields["model"] ?? ""),
  ];
  const claims = {
    ...once,
    org,
    hold,
    attempt: Number(fields["attempt"]),
    tokensHeld: Number(fields["tokensHeld"]),
    completionTokensMax: Number(fields["completionTokensMax"]),
    isDefaultMax: fields["isDefaultMax"] === "1",
    ...(promptTokensGuess && { promptTokensGuess: Number(promptTokensGuess) }),
    ...(boundFactor && { boundFactor: Number(boundFactor) }),
    ...(ticket && { ticket }),
    deadlineMs: Number(fields["deadlineMs"]),
    ...(ownTimeoutMs && { ownTimeoutMs: Number(ownTimeoutMs) }),
    ...(isUrgent && { isUrgent: true as const }),
    ...(unitTokens && { unitTokens: Number(unitTokens) }),
  };
  const { tokensHeld, completionTokensMax, deadlineMs } = claims;
  const counts = [
    tokensHeld,
    completionTokensMax,
    deadlineMs,
    claims.promptTokensGuess ?? 0,
    claims.ownTimeoutMs ?? 1,
    claims.unitTokens ?? 1,
  ];
  const isFactor = claims.boundFactor === undefined || (claims.boundFactor > 1 && claims.boundFactor <= boundFactorMax);
  if (!endpoint || !tier || model === null || !isFactor || !counts.every(Number.isSafeInteger)) return null;
  if (claims.ownTimeoutMs === 0) return null;
  return { ...claims, endpoint, tier, model };
}

/** Makes an order (`order1:KID:NODE:JTI:ISSUED AT:BODY:ORDER:MAC`) under the node's `hop` keys. */
export function makeOrder(claims: OrderClaims, keys: MacKeys): string {
  return makeMacToken(orderKind, [...listOnce(claims), claims.order], keys);
}

/** What an order claims, if it was made under one of these keys; null for anything else. */
export function verifyOrder(token: string, keys: MacKeys): OrderClaims | null {
  const fields = verifyMacToken(orderForm, token, keys);
  const once = fields && readOnce(fields);
  const order = orders.find((name) => name === fields?.["order"]);
  return once && order ? { ...once, order } : null;
}

const orders: readonly Order[] = ["drain", "undrain", "models"];

function listOnce({ node, jti, issuedAtMs, bodySha256 }: OnceClaims): (string | number)[] {
  return [node, jti, issuedAtMs, bodySha256];
}

function readOnce({ node = "", jti = "", issuedAtMs, bodySha256 = "" }: Record<string, string>): OnceClaims | null {
  const atMs = Number(issuedAtMs);
  return Number.isSafeInteger(atMs) ? { node, jti, issuedAtMs: atMs, bodySha256 } : null;
}

/** Null for text that encodes no characters. */
function decodeModel(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
