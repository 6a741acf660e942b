import type { KeyId, OrgId } from "./ids.ts";

/** Who presents herself: a key that we made. Whether it is in force is the ledger's to say. */
export interface Credential {
  org: OrgId;
  key: KeyId;
  /** HMAC-SHA-256 of the presented key under each live pepper, in hex. */
  digests: { kid: string; digest: string }[];
  /** The caller's address as 32 hex digits; null when the platform did not tell. */
  ip: string | null;
}
