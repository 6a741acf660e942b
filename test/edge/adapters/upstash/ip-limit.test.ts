import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { upstashIpLimit } from "#edge/adapters/upstash/ip-limit.ts";
import type { IpDecision } from "#edge/identity/port.ts";
import { ipLimitContract } from "#test/contracts/ip-limit/ip-limit-contract.ts";
import { openWorld, type RedisWorld } from "./redis-world.ts";
import { isRedisThere } from "#test/support/redis.ts";

describe.skipIf(!isRedisThere)("the limit on an address", () => {
  let world: RedisWorld;
  beforeAll(async () => void (world = await openWorld("everysec")));
  afterAll(() => world?.close());
  const open = (perSecond: number, waitMsMax = 5_000) =>
    upstashIpLimit({ ...world.redis, waitMsMax, perSecond, now: Date.now });
  /** What Redis has counted for a network, in whatever seconds. */
  const countedFor = async (network: string): Promise<number> => {
    const keys = (await world.command("KEYS", `penstock:ip:${network}:*`)) as string[];
    const counts = await Promise.all(keys.map((key) => world.command("GET", key)));
    return counts.reduce<number>((sum, count) => sum + Number(count), 0);
  };
  const untilRefused = async (
    limit: ReturnType<typeof open>,
    network: string,
  ): Promise<Extract<IpDecision, { isAllowed: false }>> => {
    for (;;) {
      const verdict = await limit.take(network);
      if (!verdict.isAllowed) return verdict;
    }
  };

  const address = "http://127.0.0.1:9";
  ipLimitContract(
    "Upstash ip limit",
    {
      callsMax: 20,
      windowMs: 1_000,
      hasWindow: true,
      // The second that was full weighs on the next one, less and less.
      lateMs: 1_000,
      openUnreachable: [
        () => upstashIpLimit({ url: address, token: "none", waitMsMax: 500, perSecond: 20, now: Date.now }),
      ],
    },
    () => ({
      isolates: [open(20), open(20)],
      now: Date.now,
      advance: (ms) => new Promise((done) => setTimeout(done, ms + 5)),
    }),
  );

  test("a refused caller learns when to retry, and is refused again until then without a request", async () => {
    const limit = open(1);
    const refused = await untilRefused(limit, "b");
    expect(refused.window?.limit).toBe(1);
    expect(refused.retryAfterMs).toBeGreaterThan(1);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(1_000);
    expect(refused.window?.resetMs).toBe(refused.retryAfterMs + 1_000);
    const before = world.redis.bridge.requests;
    const again = await limit.take("b");
    expect(again.isAllowed || world.redis.bridge.requests === before).toBe(true);
  });

  test("a flood from everywhere is counted 64 at a time; the others learn that nobody counts them", async () => {
    const limit = open(1_000);
    const before = world.redis.bridge.requests;
    const flood = await Promise.allSettled(Array.from({ length: 300 }, (_, index) => limit.take(`flood-${index}`)));
    const refused = flood.flatMap((one) => (one.status === "rejected" ? String(one.reason) : []));
    expect(refused).toEqual(Array(300 - 64).fill("OutOfReach: redis: 64 addresses are being counted"));
    expect(world.redis.bridge.requests - before).toBeGreaterThanOrEqual(64);
    expect(await limit.take("flood-0")).toEqual({ isAllowed: true });
  });

  test("a failed authentication is counted once more, each network for itself, in one request each", async () => {
    const limit = open(1_000);
    await limit.take("c0");
    const before = world.redis.bridge.requests;
    await limit.take("c");
    await limit.penalize("c");
    await limit.take("c");
    await limit.take("d");
    expect(world.redis.bridge.requests - before).toBe(4);
    expect([await countedFor("c"), await countedFor("d")]).toEqual([3, 1]);
  });

  test("counts are gone within seconds: Redis keeps no list of addresses", async () => {
    await open(1_000).take("e");
    const [key] = (await world.command("KEYS", "penstock:ip:e:*")) as string[];
    const ttlMs = Number(await world.command("PTTL", key ?? ""));
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(3_000);
  });

  test("slow or down it throws: what that means is not the store's to say", async () => {
    const limit = open(50, 150);
    world.redis.server.kill("SIGSTOP");
    const before = world.redis.bridge.requests;
    await expect(limit.take("f")).rejects.toThrow("redis: ");
    expect(world.redis.bridge.requests - before).toBe(1);
    world.redis.server.kill("SIGCONT");
    world.redis.server.kill("SIGKILL");
    await expect(limit.take("g")).rejects.toThrow("redis: ");
    await expect(limit.penalize("g")).rejects.toThrow("redis: ");
    await world.crash();
    expect(await open(50).take("h")).toEqual({ isAllowed: true });
  });
});
