/** What is mutated together, and which tests have to notice: those that mirror it, never the whole suite. */
export interface Part {
  mutate: string[];
  tests: string[];
  /** Where its tests run. */
  runtime: "node" | "workerd";
  /** The ledger under test is not in memory. */
  isSlow?: true;
}

/**
 * The Lua is text to Stryker: `lua-mutants.ts` changes it, and nothing in the part `lua` is Stryker's.
 */
export const parts: Record<string, Part> = {
  admission: {
    mutate: ["edge/admission/*.ts", "edge/ledger/*.ts"],
    tests: ["test/edge/admission/*.test.ts", "test/edge/ledger/*.test.ts", "test/edge/adapters/memory/*.test.ts"],
    runtime: "node",
  },
  identity: { mutate: ["edge/identity/*.ts"], tests: ["test/edge/identity/*.test.ts"], runtime: "node" },
  settlement: { mutate: ["edge/settlement/*.ts"], tests: ["test/edge/settlement/*.test.ts"], runtime: "node" },
  upstash: {
    mutate: ["edge/adapters/upstash/**/*.ts", "!**/{assemble,script,codec,leases}.ts"],
    tests: [
      "test/edge/adapters/upstash/{client,ip-limit,ledger/{batcher,ledger,ledger.leases,outbox,semaphore}}.test.ts",
    ],
    runtime: "node",
    isSlow: true,
  },
  wire: {
    mutate: ["edge/adapters/upstash/ledger/{codec,leases}.ts"],
    tests: ["test/edge/adapters/upstash/ledger/{codec,leases}.test.ts"],
    runtime: "node",
  },
  "durable-object": {
    mutate: ["edge/adapters/{durable-object/**,d1}/*.ts", "edge/adapters/within.ts", "!**/ledger-journal.ts"],
    tests: ["test/edge/adapters/{durable-object/**,d1}/*.test.ts"],
    runtime: "workerd",
    isSlow: true,
  },
  journal: {
    mutate: ["edge/adapters/durable-object/ledger/journal/ledger-journal.ts"],
    tests: ["test/contracts/ledger/ledger-journal.test.ts"],
    runtime: "node",
  },
  fleet: {
    mutate: ["edge/fleet/*.ts", "edge/adapters/memory/fleet.ts"],
    tests: ["test/edge/fleet/*.test.ts", "test/edge/adapters/memory/fleet.test.ts"],
    runtime: "node",
  },
  lua: { mutate: [], tests: ["infra/checks/mutate/lua-twin.mutate.ts"], runtime: "node" },
};
