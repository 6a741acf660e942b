import type { OrgId } from "../../agreements/tokens/ids.ts";
import { chainMax, rewrapMax, sweepMax } from "../../agreements/stored-limits.ts";
import type { ResponseStore, StorageControl, StoredChain, StoredResponse, WrappedKey } from "../../storage/port.ts";

const hourMs = 3_600_000;

/** What a store in memory holds, for who wants to look. */
export interface StoredInMemory {
  hours: Map<OrgId, number>;
  keys: Map<OrgId, WrappedKey>;
  responses: Map<string, StoredResponse>;
}

/** Stored responses within one process: what the port promises, at its shortest. */
export function memoryResponseStore(
  held: StoredInMemory = { hours: new Map(), keys: new Map(), responses: new Map() },
): ResponseStore & StorageControl {
  const { hours, keys, responses } = held;
  const isThere = ({ org, key, createdAtMs }: StoredResponse, nowMs: number) =>
    keys.get(org)?.id === key && createdAtMs + (hours.get(org) ?? 0) * hourMs > nowMs;
  const find = (org: OrgId, id: string, nowMs: number) => {
    const found = responses.get(id);
    return found?.org === org && isThere(found, nowMs) ? found : null;
  };
  return {
    async findStorage(org) {
      const [kept, key] = [hours.get(org), keys.get(org)];
      return kept === undefined || !key ? null : { hours: kept, key };
    },
    async put(response) {
      const isRight = keys.get(response.org)?.id === response.key && hours.has(response.org);
      if (isRight) responses.set(response.id, response);
      return isRight;
    },
    read: async (org, id, nowMs) => find(org, id, nowMs)?.sealed ?? null,
    async readChain(org, id, { nowMs, bytesMax }) {
      const chain: StoredResponse[] = [];
      for (let next = find(org, id, nowMs); next && chain.length <= chainMax;) {
        chain.unshift(next);
        next = next.previous === null ? null : find(org, next.previous, nowMs);
      }
      return cutChain(chain, bytesMax);
    },
    delete: async (org, id, nowMs) => find(org, id, nowMs) !== null && responses.delete(id),
    async switchOn(org, kept, key) {
      if (!keys.has(org)) keys.set(org, key);
      hours.set(org, kept);
    },
    async switchOff(org) {
      hours.delete(org);
      keys.delete(org);
    },
    async sweep(nowMs) {
      const gone = Array.from(responses.values()).filter((response) => !isThere(response, nowMs));
      for (const { id } of gone.slice(0, sweepMax)) responses.delete(id);
    },
    async listOtherKeys(kid) {
      const others = Array.from(keys, ([org, key]) => ({ org, ...key })).filter((key) => key.kid !== kid);
      return others.slice(0, rewrapMax);
    },
    async rewrap(fresh) {
      for (const [org, { id }] of keys) if (id === fresh.id) keys.set(org, fresh);
    },
  };
}

function cutChain(chain: StoredResponse[], bytesMax: number): StoredChain {
  const bytes = chain.reduce((sum, { sealed }) => sum + sealed.items.length, 0);
  if (chain.length > chainMax || bytes > bytesMax) return { links: [], isWhole: false, isLong: true };
  const links = chain.map(({ id, sealed }) => ({ id, items: sealed.items }));
  return { links, isWhole: chain[0]?.previous === null, isLong: false };
}
