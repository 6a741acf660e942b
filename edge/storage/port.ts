import type { OrgId, ResponseId } from "../agreements/tokens/ids.ts";

/** An org's key as it lies in the database: sealed under the master key of this kid. `wrapped` is base64url. */
export interface WrappedKey {
  id: string;
  kid: string;
  wrapped: string;
}

/** An org that has storage: how long, in hours, and its key. */
export interface OrgStorage {
  hours: number;
  key: WrappedKey;
}

/** A response as it is stored, in two pieces: the items of its conversation, and all else of it. */
export interface SealedResponse {
  items: Uint8Array<ArrayBuffer>;
  rest: Uint8Array<ArrayBuffer>;
}

/** What is stored of one response; times in Unix ms. `key` is the id of the org's key that it was sealed under. */
export interface StoredResponse {
  org: OrgId;
  id: ResponseId;
  key: string;
  previous: ResponseId | null;
  createdAtMs: number;
  sealed: SealedResponse;
}

/** The sealed items of one response of a conversation. */
export interface SealedItems {
  id: ResponseId;
  items: Uint8Array<ArrayBuffer>;
}

/**
 * A conversation, the oldest response first. `isWhole`: it goes back to its beginning. `isLong`: it goes back further
 * than `chainMax` responses, or has more bytes than was asked for; then it is not read.
 */
export interface StoredChain {
  links: SealedItems[];
  isWhole: boolean;
  isLong: boolean;
}

/**
 * Where responses are kept. It sees sealed bytes and ids, nothing of what they say. What is another org's, has been
 * there for longer than its org keeps any, or was sealed under a key that was shredded is not there. Throws when it is
 * out of reach.
 */
export interface ResponseStore {
  /** What an org has of storage; null as long as that is not switched on. */
  findStorage(org: OrgId): Promise<OrgStorage | null>;
  /** Stores a response durably; false, and nothing is stored, where the org's key is not this one any more. */
  put(response: StoredResponse): Promise<boolean>;
  /** One response; null where it is not there. */
  read(org: OrgId, id: ResponseId, nowMs: number): Promise<SealedResponse | null>;
  /** A response and those that it goes on from; no links where it is not there. */
  readChain(org: OrgId, id: ResponseId, bounds: { nowMs: number; bytesMax: number }): Promise<StoredChain>;
  /** Deletes a response; false where it is not there. */
  delete(org: OrgId, id: ResponseId, nowMs: number): Promise<boolean>;
}

/** The same store for those who switch it on and off, and for the cron. */
export interface StorageControl {
  /** Keeps an org's responses for so many hours from now on, also those that are there; `key` if it has none yet. */
  switchOn(org: OrgId, hours: number, key: WrappedKey, nowMs: number): Promise<void>;
  /** Keeps none any more: shreds the org's key, and with it all that stands under it. */
  switchOff(org: OrgId): Promise<void>;
  /** Deletes the bytes of what is not there any more, `sweepMax` of each kind. */
  sweep(nowMs: number): Promise<void>;
  /** Keys that are sealed under another master key than this one, at most `rewrapMax`. */
  listOtherKeys(kid: string): Promise<(WrappedKey & { org: OrgId })[]>;
  /** Puts the same key, sealed anew, in the place of what is there. */
  rewrap(fresh: WrappedKey): Promise<void>;
}

/** Sets for how many hours an org's responses are kept; null keeps none, and deletes what there is. */
export interface RetentionSwitch {
  /** Can responses be kept at all? */
  readonly isPossible: boolean;
  /** Throws where the store is out of reach. */
  set(org: OrgId, hours: number | null): Promise<void>;
}
