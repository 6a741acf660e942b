import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRedis, type LocalRedis } from "#infra/local/redis/redis.ts";
import { redisRows } from "#test/support/faults/fault-redis-rows.ts";
import { openStage, runCells, unstruckOf, type Stage } from "#test/support/faults/fault-stage.ts";
import { openHop, type Hop } from "#test/support/faults/faulty-hop.ts";
import { isRedisThere } from "#test/support/redis.ts";

/** The rows of F1's table (fault-table.ts) that are about a ledger in Redis. */
const dir = mkdtempSync(join(tmpdir(), "penstock-faults-redis-"));
let redis: LocalRedis;
let hop: Hop;
let stage: Stage;

beforeAll(async () => {
  if (!isRedisThere) return;
  redis = await startRedis({ dir, fsync: "everysec" });
  hop = await openHop(redis.url);
  stage = await openStage({
    vars: { LEDGER: "upstash", UPSTASH_REDIS_REST_URL: hop.url, UPSTASH_REDIS_REST_TOKEN: redis.token },
  });
});
afterAll(async () => {
  await stage?.close();
  await hop?.close();
  await redis?.close();
  rmSync(dir, { recursive: true, force: true });
});

describe.skipIf(!isRedisThere)("a ledger in Redis", () => {
  describe("that fails for one org", () => {
    runCells(
      redisRows(() => hop),
      () => stage,
    );
  });

  test("has been struck by every fault: no cell passed because nothing happened", () => {
    expect(unstruckOf([hop], ({ keys }) => keys[1] ?? "")).toEqual([]);
  });

  test("is named in the log with why it failed, in words that quote neither what was asked nor what it said", () => {
    const refused = stage.own.logs
      .filter((line) => line.includes('"code":"quota_unavailable"'))
      .map((line): { cause?: string } => JSON.parse(line.slice(line.indexOf("{"))));
    expect(new Set(refused.map(({ cause }) => cause))).toEqual(
      new Set(
        [
          "no answer within 250 ms",
          "out of reach (Error)",
          "the answer is not JSON",
          "the reply is not the ledger's, at ''",
          "the reply is not the ledger's: no pipeline",
        ].map((why) => `redis: ${why}`),
      ),
    );
  });

  test("is asked for settlements and for the bill by pipelines, and for all else by single commands", () => {
    expect([...hop.paths].toSorted()).toEqual(["/", "/pipeline"]);
  });
});
