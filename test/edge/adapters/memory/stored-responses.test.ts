import { memoryResponseStore, type StoredInMemory } from "#edge/adapters/memory/stored-responses.ts";
import { responseStoreContract } from "#test/contracts/storage/response-store-contract.ts";

let orgs = 0;

responseStoreContract("memory store", async () => {
  const held: StoredInMemory = { hours: new Map(), keys: new Map(), responses: new Map() };
  return {
    store: memoryResponseStore(held),
    makeOrg: async () => `org_${String(++orgs).padStart(10, "0")}`,
    count: async (org) => Array.from(held.responses.values()).filter((response) => response.org === org).length,
  };
});
