import type { NodeId } from "./ids.ts";
import { buildForm, fieldForms, makeMacToken, verifyMacToken, type MacKeys } from "./mac-token.ts";

/**
 * What a node says of a body that it sends to the edge, usage or a heartbeat. There is no id for one use: both are
 * idempotent, and a token sent again does nothing.
 */
export interface NodeClaims {
  node: NodeId;
  issuedAtMs: number;
  /** base64url SHA-256 of the body as sent. */
  bodySha256: string;
}

const kind = "node1";
const form = buildForm(kind, {
  node: fieldForms.node,
  issuedAtMs: fieldForms.count,
  bodySha256: fieldForms.digest,
});

/** Makes a node token (`node1:KID:NODE:ISSUED AT:BODY:MAC`) under the node's `node` keys. */
export function makeNodeToken({ node, issuedAtMs, bodySha256 }: NodeClaims, keys: MacKeys): string {
  return makeMacToken(kind, [node, issuedAtMs, bodySha256], keys);
}

/** Which node a token names, before anything of it is proven: it tells whose keys may verify it. */
export function readNamedNode(token: string): NodeId | null {
  return form.exec(token)?.groups?.["node"] ?? null;
}

/** What a node token claims, if it was made under one of these keys; null for anything else. */
export function verifyNodeToken(token: string, keys: MacKeys): NodeClaims | null {
  const fields = verifyMacToken(form, token, keys);
  if (!fields) return null;
  const { node = "", bodySha256 = "" } = fields;
  const issuedAtMs = Number(fields["issuedAtMs"]);
  return Number.isSafeInteger(issuedAtMs) ? { node, issuedAtMs, bodySha256 } : null;
}
