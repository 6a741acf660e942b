import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ledgerScript } from "#edge/adapters/upstash/ledger/script.ts";
import { checkTwin } from "#test/contracts/ledger/ledger-twin.ts";
import { openWorld, type RedisWorld } from "#test/edge/adapters/upstash/redis-world.ts";
import { isRedisThere } from "#test/support/redis.ts";
import { checkCalendar, checkSlides } from "./script-checks.ts";
import { scriptTwin } from "./script-twin.ts";

/** `TWIN_HISTORIES=100000` runs them for a quarter of an hour (docs/decisions/0006). */
const histories = Number(process.env["TWIN_HISTORIES"] ?? 500);

describe.skipIf(!isRedisThere)("the script", () => {
  let world: RedisWorld;
  let redis: Redis;
  beforeAll(async () => {
    world = await openWorld("everysec");
    redis = new Redis(world.redis.server.port, "127.0.0.1", { stringNumbers: true });
    await redis.script("LOAD", ledgerScript);
  });
  afterAll(async () => {
    redis.disconnect();
    await world.close();
  });

  test("keeps the calendar of UTC, leap years and centuries included", () => checkCalendar(redis, ledgerScript));

  test("slides its windows as the pure ledger does, and lists no more buckets than count", () =>
    checkSlides(redis, ledgerScript));

  test("answers any history as the pure ledger does: every answer, every window, every line of the bill", async () => {
    expect(await checkTwin(scriptTwin(redis, ledgerScript), { numRuns: histories, maxSteps: 60 })).toBeGreaterThan(
      histories * 30,
    );
  }, 3_600_000);
});
