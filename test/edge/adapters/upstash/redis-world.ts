import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UsageRow } from "#edge/ledger/port.ts";
import { upstashLedger } from "#edge/adapters/upstash/ledger/ledger.ts";
import { startRedis, type LocalRedis } from "#infra/local/redis/redis.ts";
import { freshOrg, keyRecord, noon, orgRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { testClock } from "#test/support/fakes/clock.ts";

/** A Redis in a folder of its own, and the way to everything of it. */
export interface RedisWorld {
  redis: LocalRedis;
  /** One command past the ledger. */
  command(...args: string[]): Promise<unknown>;
  /** kill -9 and up again, with all that was acknowledged. */
  crash(): Promise<void>;
  /** A ledger on it, whose restart is a crash. */
  open(startMs: number): ReturnType<typeof openOn>;
  close(): Promise<void>;
}

export async function openWorld(fsync: "everysec" | "always"): Promise<RedisWorld> {
  const dir = mkdtempSync(join(tmpdir(), "penstock-redis-"));
  const redis = await startRedis({ dir, fsync });
  const command = async (...args: string[]) => {
    const response = await fetch(redis.url, {
      method: "POST",
      headers: { authorization: `Bearer ${redis.token}` },
      body: JSON.stringify(args),
    });
    return ((await response.json()) as { result?: unknown }).result;
  };
  const crash = async () => {
    redis.server.kill("SIGKILL");
    await redis.server.restart();
    while ((await command("PING")) !== "PONG") await new Promise((done) => setTimeout(done, 5));
  };
  const close = async () => {
    await redis.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { redis, command, crash, open: (startMs) => openOn(redis, startMs, crash), close };
}

/**
 * A ledger on this Redis whose clock is ours; its bill is what a table with unique ids would hold after the chores of a
 * cron.
 */
export async function openOn(redis: LocalRedis, startMs: number, onRestart?: () => Promise<void>) {
  const org = freshOrg();
  const clock = testClock(startMs);
  const table = new Map<string, UsageRow>();
  const writeRows = async (rows: UsageRow[]) => {
    for (const row of rows) if (!table.has(row.id)) table.set(row.id, row);
  };
  let waitedMs = 0;
  // A deadline that a busy machine keeps: faults have tests of their own.
  const ledger = upstashLedger({
    url: redis.url,
    token: redis.token,
    waitMsMax: 20_000,
    now: clock.now,
    wait: async (ms) => void (waitedMs += ms),
    writeRows,
    clock: () => Date.now(),
    later: () => undefined,
  });
  const restart = async () => onRestart?.();
  const usage = async () => {
    await ledger.sweep([org]);
    return [...table.values()];
  };
  return { ledger, clock, org, restart, usage, table, waited: () => waitedMs };
}

/** The same, with an org and a key published. */
export async function openWith(redis: LocalRedis, limits = {}) {
  const opened = await openOn(redis, noon);
  await opened.ledger.publish(orgRecord(opened.org, limits));
  await opened.ledger.publish(keyRecord(opened.org, 1, { limits: { tokensPerDay: 100_000 } }));
  return opened;
}
