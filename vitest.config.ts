import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { luaText } from "./infra/lua-text.ts";
import { ensurePortal } from "./infra/portal/build-portal.ts";
import { LongestFirst } from "./test/support/longest-first.ts";

/** Adapters of the platform's own things are tested in workerd, where those are. */
const inWorkerd = ["cloudflare", "durable-object", "d1"].map((name) => `test/edge/adapters/${name}/**/*.test.ts`);

/** What needs more than a process of its own: a redis-server, a database in workerd, child processes. */
const withMachine = [
  "test/edge/adapters/upstash/*.test.ts",
  "test/edge/adapters/upstash/ledger/{ledger,ledger.leases,outbox,script}.test.ts",
  "test/edge/control/**/*.test.ts",
  "test/infra/local/**/*.test.ts",
  "test/infra/simulator/main.test.ts",
  "test/origin/agent.test.ts",
  "test/origin/start-all.test.ts",
  "test/origin/gguf/main.test.ts",
  "test/clients/**/*.test.ts",
  "test/docs-scale.test.ts",
];
const journeys = "test/journeys/**/*.test.ts";

const patient = { testTimeout: 60_000, hookTimeout: 60_000 };

// The Worker serves it, so it stands before any of them starts.
await ensurePortal();

/**
 * `npm test` runs all; `npm test -- --project unit` is the half to run while writing. `groupOrder`: what keeps a core
 * busy goes first, and the journeys, which mostly wait, have the machine to themselves.
 */
export default defineConfig({
  test: {
    globalSetup: ["test/support/redis-setup.ts"],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        plugins: [luaText()],
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...inWorkerd, ...withMachine, journeys],
          pool: "threads",
          isolate: false,
          setupFiles: ["test/support/real-timers.ts"],
          maxWorkers: "100%",
          sequence: { groupOrder: 1 },
          ...patient,
        },
      },
      {
        plugins: [luaText()],
        test: {
          name: "node",
          include: withMachine,
          maxWorkers: "100%",
          sequence: { groupOrder: 1 },
          ...patient,
        },
      },
      {
        plugins: [luaText(), cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })],
        test: { name: "workerd", include: inWorkerd, sequence: { groupOrder: 2 }, testTimeout: 60_000 },
      },
      {
        plugins: [luaText()],
        test: {
          name: "journeys",
          include: [journeys],
          globalSetup: ["test/support/stack/shared-stack.ts", "test/support/portal/shared-browser.ts"],
          // A journey waits far more than it computes: two files at once, and in a fault table many cells.
          maxWorkers: 2,
          maxConcurrency: 10,
          sequence: { groupOrder: 3 },
          ...patient,
        },
      },
    ],
  },
});
