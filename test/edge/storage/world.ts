import { memoryResponseStore, type StoredInMemory } from "#edge/adapters/memory/stored-responses.ts";
import type { ResponseStore } from "#edge/storage/port.ts";
import { mintOrgKey, openMasterKeys } from "#edge/storage/sealing.ts";
import { openResponseStorage } from "#edge/storage/storage.ts";
import { generateRandomBytes } from "#edge/visit.ts";

export const org = "org_0000000001";
export const otherOrg = "org_0000000002";
export const secrets = { s1: "A".repeat(43) };

/** A storage in memory whose org has it switched on; `asked` counts questions for what an org has. */
export async function openStorageWorld(hours: number | null = 24) {
  const held: StoredInMemory = { hours: new Map(), keys: new Map(), responses: new Map() };
  const memory = memoryResponseStore(held);
  const masters = await openMasterKeys(secrets);
  const faults: { fails: keyof ResponseStore | null } = { fails: null };
  const asked = { storage: 0 };
  const store: ResponseStore = {
    ...memory,
    async findStorage(which) {
      asked.storage++;
      if (faults.fails === "findStorage") throw new Error("out of reach");
      return memory.findStorage(which);
    },
    async put(response) {
      if (faults.fails === "put") throw new Error("out of reach");
      return memory.put(response);
    },
    async readChain(...given) {
      if (faults.fails === "readChain") throw new Error("out of reach");
      return memory.readChain(...given);
    },
  };
  if (hours !== null) await memory.switchOn(org, hours, await mintOrgKey(org, masters, generateRandomBytes), 0);
  return { held, memory, masters, faults, asked, storage: openResponseStorage(store, masters) };
}
