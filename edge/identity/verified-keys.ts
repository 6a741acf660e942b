import { computeDigests, isTagged, readKey, type Keyring } from "../agreements/tokens/key-format.ts";
import type { Credential } from "../agreements/tokens/credential.ts";
import { verifiedKeysMax } from "../limits.ts";

/** What an inference key of ours says: whose it is, and its digests, by which the ledger knows it. */
export type VerifiedKey = Readonly<Pick<Credential, "org" | "key" | "digests">>;

/**
 * Tells keys that we made from all other text. It says nothing of whether a key is in force: the ledger is asked that
 * at each call.
 */
export interface VerifiedKeys {
  /** The key that this text is; null for anything but an inference key that we made. */
  verify(text: string): VerifiedKey | null;
  /** How many keys are remembered. */
  readonly size: number;
}

/**
 * Opens a memory of at most `entriesMax` keys that verified under this keyring, some 600 bytes each; the one that was
 * verified longest ago goes first. What does not verify is never remembered, and takes the same way each time (S3).
 */
export function openVerifiedKeys(keyring: Keyring, entriesMax: number = verifiedKeysMax): VerifiedKeys {
  const verified = new Map<string, VerifiedKey>();
  return {
    verify(text) {
      const known = verified.get(text);
      if (known) return known;
      const presented = readKey(text);
      if (!presented || presented.kind !== "inference" || !isTagged(presented, keyring)) return null;
      const { org, key } = presented;
      const fresh = { org, key, digests: computeDigests(text, keyring) };
      verified.set(text, fresh);
      if (verified.size > entriesMax) {
        const [oldest = text] = verified.keys();
        verified.delete(oldest);
      }
      return fresh;
    },
    get size() {
      return verified.size;
    },
  };
}
