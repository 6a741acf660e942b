import type { OrgId } from "../agreements/tokens/ids.ts";
import { Refusal } from "../errors.ts";
import { storageReadMs, storagesKnownMax, storageStaleMs } from "../agreements/stored-limits.ts";
import type { ResponseStore, WrappedKey } from "./port.ts";
import { openOrgKey, type MasterKeys } from "./sealing.ts";

/** What an org stores its responses with: the id of its key, and the key. */
export interface OpenStorage {
  keyId: string;
  key: CryptoKey;
}

/** What an isolate knows of an org's storage, and when it was told that; null where none is switched on. */
interface Known {
  storage: OpenStorage | null;
  atMs: number;
}

/** Stored responses as the steps of a call use them. */
export interface ResponseStorage {
  store: ResponseStore;
  /** Asks what an org has of storage. Throws a Refusal where the store is out of reach. */
  open(org: OrgId, nowMs: number): Promise<OpenStorage | null>;
  /**
   * The same from memory, as it was at most a minute ago; undefined where nothing is known. `later` takes the work of
   * asking anew behind the call.
   */
  recall(org: OrgId, nowMs: number, later: (work: Promise<unknown>) => void): OpenStorage | null | undefined;
}

/** Opens the storage of a deployment over its store. */
export function openResponseStorage(store: ResponseStore, masters: MasterKeys): ResponseStorage {
  const known = new Map<OrgId, Known>();
  const asking = new Set<OrgId>();
  const open = async (org: OrgId, nowMs: number) => {
    const found = await reach(store.findStorage(org));
    const last = known.get(org)?.storage ?? null;
    const isSame = found === null || found.key.id === last?.keyId;
    const storage = isSame ? found && last : await openKey(org, found.key, masters);
    known.delete(org);
    known.set(org, { storage, atMs: nowMs });
    const [oldest = org] = known.keys();
    if (known.size > storagesKnownMax) known.delete(oldest);
    return storage;
  };
  return {
    store,
    open,
    recall(org, nowMs, later) {
      const last = known.get(org);
      if (!last || nowMs - last.atMs > storageStaleMs) return undefined;
      if (nowMs - last.atMs > storageReadMs && !asking.has(org)) {
        asking.add(org);
        later(open(org, nowMs).finally(() => asking.delete(org)));
      }
      return last.storage;
    },
  };
}

async function openKey(org: OrgId, key: WrappedKey, masters: MasterKeys): Promise<OpenStorage> {
  return { keyId: key.id, key: await openOrgKey(org, key, masters) };
}

/** Waits for the store; when it fails, the call is refused before anything is held for it. */
export async function reach<Found>(work: Promise<Found>): Promise<Found> {
  try {
    return await work;
  } catch (cause) {
    throw new Refusal("store_unavailable", {
      message: "The store of responses is out of reach; nothing was charged. Repeat the request.",
      retryAfterMs: 1_000,
      log: "stored responses out of reach",
      cause,
    });
  }
}
