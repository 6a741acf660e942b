import { defineConfig } from "vitest/config";

/**
 * The acceptance suites, for `npm run accept` only: `npm test` never meets them, since their names do not end in
 * `.test.ts`. They share few engines and compare metrics before and after, so one test runs at a time.
 */
const slow = { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false, isolate: false } as const;

export default defineConfig({
  root: new URL("../../..", import.meta.url).pathname,
  test: {
    projects: [
      {
        test: {
          name: "contract",
          include: ["test/contracts/engine/engine-vllm.accept.ts", "test/infra/checks/accept/recordings.accept.ts"],
          ...slow,
        },
      },
      { test: { name: "members", include: ["test/infra/checks/accept/members/members.accept.ts"], ...slow } },
      {
        test: {
          name: "journeys",
          include: ["test/infra/checks/accept/*.accept.ts"],
          exclude: ["recordings", "deaths"].map((name) => `test/infra/checks/accept/${name}.accept.ts`),
          globalSetup: ["test/infra/checks/accept/real-stack.ts"],
          ...slow,
        },
      },
      {
        test: {
          name: "protocols",
          include: ["test/infra/checks/accept/protocols/*.accept.ts"],
          globalSetup: ["test/infra/checks/accept/real-stack.ts"],
          ...slow,
        },
      },
      { test: { name: "deaths", include: ["test/infra/checks/accept/deaths.accept.ts"], ...slow } },
      {
        test: {
          name: "gguf",
          include: ["test/infra/checks/accept/gguf/*.accept.ts"],
          ...slow,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
