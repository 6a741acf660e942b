import type { KeyId, OrgId } from "./ids.ts";
import type { Endpoint } from "../records/model.ts";

/**
 * Who makes a call: a key that we made, or a client token minted from one. The ledger decides whether the key is in
 * force.
 */
export interface Credential {
  org: OrgId;
  key: KeyId;
  /** HMAC-SHA-256 of the presented key under each live pepper, in hex. */
  digests: { kid: string; digest: string }[];
  /**
   * Set when a client token stands for the key: then there is no digest to compare, and its scopes narrow the key's.
   */
  token?: { endpoints: Endpoint[] | null; models: string[] | null };
  /** The caller's address as 32 hex digits; null when the platform gives none. */
  ip: string | null;
}
