/** What is mutated together, and which tests have to notice: those that mirror it, never the whole suite. */
export interface Part {
  mutate: string[];
  tests: string[];
  /** Where its tests run. */
  runtime: "node" | "workerd";
  /** The ledger that it tests is not in memory. */
  isSlow?: true;
}

const durable = (name: string) => `test/edge/adapters/durable-object/${name}.test.ts`;

/**
 * The Lua of `script*.ts` is text to Stryker: `lua-mutants.ts` changes it, and nothing in the part `lua` is Stryker's.
 */
export const parts: Record<string, Part> = {
  admission: {
    mutate: ["edge/admission/*.ts"],
    tests: ["test/edge/admission/*.test.ts", "test/edge/adapters/memory/*.test.ts"],
    runtime: "node",
  },
  identity: { mutate: ["edge/identity/*.ts"], tests: ["test/edge/identity/*.test.ts"], runtime: "node" },
  settlement: { mutate: ["edge/settlement/*.ts"], tests: ["test/edge/settlement/*.test.ts"], runtime: "node" },
  upstash: {
    mutate: ["edge/adapters/upstash/*.ts", "!**/{script*,ledger-wire}.ts"],
    tests: ["test/edge/adapters/upstash/{batcher,ip-limit,ledger,outbox,places,redis}.test.ts"],
    runtime: "node",
    isSlow: true,
  },
  wire: {
    mutate: ["edge/adapters/upstash/ledger-wire.ts"],
    tests: ["test/edge/adapters/upstash/ledger-wire.test.ts"],
    runtime: "node",
  },
  "durable-object": {
    mutate: ["edge/adapters/durable-object/*.ts", "!**/{fleet,ledger-journal}.ts"],
    tests: ["ledger", "ledger-object", "ledger-outbox", "ledger-journal", "fleet-object", "turns", "within"].map(
      durable,
    ),
    runtime: "workerd",
    isSlow: true,
  },
  journal: {
    mutate: ["edge/adapters/durable-object/ledger-journal.ts"],
    tests: ["test/contracts/ledger-journal.test.ts"],
    runtime: "node",
  },
  fleet: { mutate: ["edge/adapters/durable-object/fleet.ts"], tests: [durable("fleet")], runtime: "node" },
  lua: { mutate: [], tests: ["infra/mutate/lua-twin.mutate.ts"], runtime: "node" },
};
