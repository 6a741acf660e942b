import { makeHop, type HopClaims } from "../agreements/tokens/hop.ts";
import { generateBase62 } from "../agreements/tokens/ids.ts";
import type { FindNodeKeys } from "../agreements/tokens/node-keys.ts";
import type { NodeRecord } from "../agreements/records/node.ts";
import type { Visit } from "../visit.ts";
import type { HeldCall } from "./held-call.ts";

/** The claims that differ from call to call; time and the token's id are added on signing. */
export type HopTerms = Omit<HopClaims, "jti" | "issuedAtMs">;

/**
 * Signs one attempt: for one node, one body, one minute. Throws for a node that is not configured, since it has no
 * keys.
 */
export function signHop(terms: HopTerms, findKeys: FindNodeKeys, visit: Visit): string {
  const keys = findKeys(terms.node);
  if (!keys) throw new RangeError(`${terms.node} is not configured`);
  return makeHop({ ...terms, jti: generateBase62(22, visit.random), issuedAtMs: visit.now() }, keys.hop);
}

/** What a node may do with one attempt: this call, within what is held for it, with this body. */
export function buildHopTerms(
  { call, reserved }: Pick<HeldCall, "call" | "reserved">,
  node: NodeRecord,
  number: number,
  bodySha256: string,
): HopTerms {
  return {
    node: node.id,
    org: reserved.org,
    hold: reserved.hold,
    attempt: number,
    endpoint: call.endpoint,
    model: call.model.id,
    tier: reserved.tier,
    tokensHeld: reserved.tokensHeld,
    completionTokensMax: reserved.completionTokens,
    isDefaultMax: call.isDefaultMax,
    ...(!call.hasImages && { promptTokensGuess: call.promptTokensGuess }),
    ...(reserved.boundFactor > 1 && { boundFactor: reserved.boundFactor }),
    deadlineMs: call.deadlineMs,
    ...(call.isStream && call.timeout.header !== null && { ownTimeoutMs: call.timeout.ms }),
    ...(reserved.isUrgent && { isUrgent: true }),
    ...(call.units > 0 && call.model.unitTokens !== undefined && { unitTokens: call.model.unitTokens }),
    bodySha256,
  };
}
