import type { TestProject } from "vitest/node";
import { hasRedisServer, redisMissing } from "#infra/local/redis/redis-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    hasRedis?: boolean;
  }
}

/** Looks once a run whether this machine has a redis-server; where it has none, one line says how to get it. */
export default function setup(project: TestProject): void {
  const hasRedis = hasRedisServer();
  project.provide("hasRedis", hasRedis);
  if (!hasRedis) console.warn(`skipped: every test that needs Redis. ${redisMissing}`);
}
