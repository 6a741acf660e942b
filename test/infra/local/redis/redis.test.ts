import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startChild } from "#infra/local/child.ts";
import { redisMissing, startRedisServer } from "#infra/local/redis/redis-server.ts";
import { root } from "#infra/local/stack.ts";
import { isRedisThere } from "#test/support/redis.ts";

const program = join(root, "infra/local/redis/redis.ts");
const isAlive = (pid: number) => existsSync(`/proc/${pid}`);
const untilGone = async (pid: number) => {
  while (isAlive(pid)) await new Promise((done) => setTimeout(done, 20));
};

let dir = "";
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "penstock-redis-"))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe.skipIf(!isRedisThere)("Redis on this machine", () => {
  const command = async ({ url, token }: Record<string, unknown>, ...args: string[]) => {
    const response = await fetch(String(url), {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(args),
    });
    return ((await response.json()) as { result: unknown }).result;
  };

  test("a Redis process says where it is, evicts nothing, keeps its writes, and ends with its bridge", async () => {
    const first = await startChild("redis", [program, "--dir", dir, "--fsync", "always"], () => undefined);
    await command(first.ready, "SET", "a", "1");
    expect(await command(first.ready, "CONFIG", "GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
    expect(await command(first.ready, "CONFIG", "GET", "appendfsync")).toEqual(["appendfsync", "always"]);
    await first.stop();
    await untilGone(Number(first.ready["redisPid"]));
    const second = await startChild("redis", [program, "--dir", dir], () => undefined);
    expect(await command(second.ready, "GET", "a")).toBe("1");
    await second.stop();
  });

  test("when the process was killed, the Redis that it left is ended by the next start on its folder", async () => {
    const killed = await startChild("redis", [program, "--dir", dir, "--fsync", "always"], () => undefined);
    await command(killed.ready, "SET", "a", "2");
    killed.kill("SIGKILL");
    const orphan = Number(killed.ready["redisPid"]);
    const next = await startChild("redis", [program, "--dir", dir], () => undefined);
    await untilGone(orphan);
    expect(await command(next.ready, "GET", "a")).toBe("2");
    await next.stop();
  });

  test("kill -9 with every write forced to disk loses none", async () => {
    const server = await startRedisServer({ dir, fsync: "always" });
    const bulk = (text: string) => execFileSync("redis-cli", ["-p", String(server.port)], { input: text }).toString();
    expect(
      bulk(Array.from({ length: 100 }, (_, n) => `INCR n${n % 3}`).join("\n"))
        .trim()
        .split("\n"),
    ).toHaveLength(100);
    server.kill("SIGKILL");
    await server.restart();
    expect(bulk("GET n0\nGET n1\nGET n2").trim().split("\n").map(Number)).toEqual([34, 33, 33]);
    await server.stop();
  });
});

test("where there is no redis-server the error says what to install", () => {
  try {
    execFileSync(process.execPath, [program, "--dir", dir], { env: { PATH: dir }, stdio: "pipe" });
    expect.fail("it started");
  } catch (error) {
    expect(String((error as { stderr: Buffer }).stderr)).toBe(`${redisMissing}\n`);
  }
});
