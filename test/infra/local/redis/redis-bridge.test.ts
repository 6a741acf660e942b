import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toPlain } from "#infra/local/redis/redis-bridge.ts";
import { startRedis, type LocalRedis } from "#infra/local/redis/redis.ts";
import { isRedisThere } from "#test/support/redis.ts";

test("replies become JSON: bytes as text or base64, OK as it is, integers to the last digit", () => {
  expect(toPlain([Buffer.from("OK"), Buffer.from("ü"), "9007199254740991", null], true)).toEqual([
    "OK",
    "w7w=",
    9_007_199_254_740_991,
    null,
  ]);
  expect(toPlain(Buffer.from("ü"), false)).toBe("ü");
});

describe.skipIf(!isRedisThere)("the bridge", () => {
  const dir = mkdtempSync(join(tmpdir(), "penstock-bridge-"));
  let redis: LocalRedis;
  beforeAll(async () => void (redis = await startRedis({ dir, fsync: null })));
  afterAll(async () => {
    await redis?.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const send = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const given = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(redis.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${redis.token}`, ...headers },
      body: given,
    });
    return [response.status, await response.json()];
  };

  test("a command comes as a JSON array or as a path, and a refused one is answered 400", async () => {
    expect(await send("/", ["SET", "a", "1"])).toEqual([200, { result: "OK" }]);
    expect(await send("/incrby/a/4", "")).toEqual([200, { result: 5 }]);
    expect(await send("/set/b", "a body with / and ü")).toEqual([200, { result: "OK" }]);
    expect(await send("/", ["GET", "b"])).toEqual([200, { result: "a body with / and ü" }]);
    expect(await send("/", ["GET", "none"])).toEqual([200, { result: null }]);
    expect(await send("/", ["LPUSH", "a", "1"])).toEqual([400, { error: expect.stringContaining("WRONGTYPE") }]);
    expect(await send("/", "{")).toEqual([400, { error: expect.stringContaining("not JSON") }]);
    expect(await send("/", [])).toEqual([400, { error: expect.stringContaining("expected a command") }]);
    const got = await fetch(`${redis.url}/get/b?_token=${redis.token}`);
    expect(await got.json()).toEqual({ result: "a body with / and ü" });
  });

  test("without the token nothing is done", async () => {
    expect(await send("/", ["SET", "c", "1"], { authorization: "Bearer no" })).toEqual([
      401,
      { error: "Unauthorized" },
    ]);
    expect((await fetch(`${redis.url}/set/c/1`)).status).toBe(401);
    expect(await send("/", ["GET", "c"])).toEqual([200, { result: null }]);
  });

  test("a pipeline answers each command by itself; multi-exec does all or nothing", async () => {
    expect(
      await send("/pipeline", [
        ["SET", "p", "1"],
        ["LPUSH", "p", "1"],
        ["GET", "p"],
      ]),
    ).toEqual([200, [{ result: "OK" }, { error: expect.stringContaining("WRONGTYPE") }, { result: "1" }]]);
    expect(
      await send("/multi-exec", [
        ["INCR", "m"],
        ["INCR", "m"],
      ]),
    ).toEqual([200, [{ result: 1 }, { result: 2 }]]);
    expect(await send("/multi-exec", [["INCR", "m"], ["NONSENSE"]])).toEqual([400, { error: expect.any(String) }]);
    expect(await send("/", ["GET", "m"])).toEqual([200, { result: "2" }]);
  });

  test("the SDK works over it, base64 and pipelines and all", async () => {
    const sdk = new Redis({ url: redis.url, token: redis.token });
    await sdk.set("s", { a: "ü", n: 7 });
    expect(await sdk.get("s")).toEqual({ a: "ü", n: 7 });
    const both = await Promise.all([sdk.incr("n"), sdk.incr("n")]);
    expect(both).toEqual([1, 2]);
    expect(await sdk.multi().set("t", 1).get("t").exec()).toEqual(["OK", 1]);
  });

  test("@upstash/ratelimit runs, though stock Redis refuses the flag of its scripts", async () => {
    const limiter = new Ratelimit({
      redis: new Redis({ url: redis.url, token: redis.token }),
      limiter: Ratelimit.slidingWindow(3, "10 s"),
      ephemeralCache: false,
    });
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push((await limiter.limit("someone")).success);
    expect(answers).toEqual([true, true, true, false, false]);
  });

  test("a Redis that is away is answered 500 at once, and found again by itself", async () => {
    redis.server.kill("SIGKILL");
    const startMs = performance.now();
    while ((await send("/", ["PING"]))[0] === 200) await new Promise((done) => setTimeout(done, 5));
    expect(await send("/", ["PING"])).toEqual([500, { error: expect.any(String) }]);
    expect(performance.now() - startMs).toBeLessThan(5_000);
    await redis.server.restart();
    while ((await send("/", ["PING"]))[0] !== 200) await new Promise((done) => setTimeout(done, 5));
  });
});
