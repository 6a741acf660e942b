import { inject } from "vitest";
import { hasRedisServer } from "#infra/local/redis/redis-server.ts";

/**
 * Whether this machine has a redis-server: `describe.skipIf(!isRedisThere)` for what needs one. How to get it is said
 * once a run (redis-setup.ts), so no file skips without a word.
 */
export const isRedisThere = inject("hasRedis") ?? hasRedisServer();
