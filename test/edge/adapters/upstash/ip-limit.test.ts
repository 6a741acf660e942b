import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { networkOf, upstashIpLimit } from "../../../../edge/adapters/upstash/ip-limit.ts";
import { readCidr, readIp } from "../../../../edge/agreements/ip.ts";
import { isRedisThere, openWorld, type RedisWorld } from "./redis-world.ts";

const ip = (text: string) => readIp(text) ?? expect.fail(text);

test("IPv4 is counted by address, IPv6 by /64", () => {
  expect(networkOf(ip("203.0.113.7"))).not.toBe(networkOf(ip("203.0.113.8")));
  expect(networkOf(ip("2001:db8:1:2::7"))).toBe(networkOf(ip("2001:db8:1:2:ffff::8")));
  expect(networkOf(ip("2001:db8:1:2::7"))).not.toBe(networkOf(ip("2001:db8:1:3::7")));
});

describe.skipIf(!isRedisThere)("the limit on an address", () => {
  let world: RedisWorld;
  beforeAll(async () => void (world = await openWorld("everysec")));
  afterAll(() => world?.close());
  const exempt = [readCidr("10.0.0.0/8") ?? expect.fail("not a network")];
  const open = (perSecond: number, waitMsMax = 5_000) => upstashIpLimit({ ...world.redis, waitMsMax, perSecond, exempt, now: Date.now });

  test("no more than so many pass in a second, over all isolates; a refused one is refused again without a request", async () => {
    const edges = [open(20), open(20)];
    const verdicts = await Promise.all(Array.from({ length: 60 }, (_, index) => edges[index % 2]!.take(ip("203.0.113.1"))));
    const allowed = verdicts.filter(({ isAllowed }) => isAllowed).length;
    // The sliding window of the SDK reckons the second before by its share; on a slow machine the burst may span two.
    expect(allowed).toBeGreaterThanOrEqual(20);
    expect(allowed).toBeLessThanOrEqual(40);
    expect(verdicts.every(({ limit, remaining, resetMs }) => limit === 20 && remaining >= 0 && resetMs >= 0)).toBe(true);
    const slow = open(1);
    await slow.take(ip("203.0.113.2"));
    let refused = await slow.take(ip("203.0.113.2"));
    while (refused.isAllowed) refused = await slow.take(ip("203.0.113.2"));
    const before = world.redis.bridge.requests;
    const again = await slow.take(ip("203.0.113.2"));
    expect(again.isAllowed || world.redis.bridge.requests === before).toBe(true);
  });

  test("a failed authentication counts twice, and an address that the operator lists is never counted", async () => {
    const limit = open(1_000);
    const first = await limit.take(ip("203.0.113.3"));
    await limit.penalize(ip("203.0.113.3"));
    const second = await limit.take(ip("203.0.113.3"));
    if (second.resetMs <= first.resetMs) expect(first.remaining - second.remaining).toBe(2);
    const before = world.redis.bridge.requests;
    for (let i = 0; i < 5; i++) expect(await open(1).take(ip("10.1.2.3"))).toMatchObject({ isAllowed: true });
    expect(world.redis.bridge.requests).toBe(before);
  });

  test("slow or down it throws: nobody passes uncounted because Redis is away", async () => {
    const limit = open(50, 150);
    world.redis.server.kill("SIGSTOP");
    await expect(limit.take(ip("203.0.113.4"))).rejects.toThrow("redis: ");
    world.redis.server.kill("SIGCONT");
    world.redis.server.kill("SIGKILL");
    await expect(limit.take(ip("203.0.113.5"))).rejects.toThrow("redis: ");
    await world.crash();
    expect(await open(50).take(ip("203.0.113.6"))).toMatchObject({ isAllowed: true, limit: 50 });
  });
});
