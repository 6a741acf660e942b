import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** Adapters of the platform's own things are tested in workerd, where those are. */
const inWorkerd = ["cloudflare", "durable-object", "d1"].map((name) => `test/edge/adapters/${name}`);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: [...inWorkerd.map((folder) => `${folder}/**`), "test/journeys/**"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "journeys",
          include: ["test/journeys/**/*.test.ts"],
          globalSetup: ["test/support/stack/shared-stack.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })],
        test: { name: "workerd", include: inWorkerd.map((folder) => `${folder}/**/*.test.ts`), testTimeout: 60_000 },
      },
    ],
  },
});
