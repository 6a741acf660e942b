import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { upstashLedger } from "../../../../edge/adapters/upstash/ledger.ts";
import { openScript } from "../../../../edge/adapters/upstash/redis.ts";
import { askOf, digest, freshOrg, keyRecord, recordOf } from "../../../contracts/ledger-fixtures.ts";
import { isRedisThere, openWith, openWorld, type RedisWorld } from "./redis-world.ts";

const waitMsMax = 250;
const ledgerAt = (url: string, token: string) => upstashLedger({ url, token, writeRows: async () => undefined, later: () => undefined });

/** Each way to ask, so that none of them says yes by default. */
async function expectAllThrow(ledger: ReturnType<typeof ledgerAt>, message: RegExp): Promise<void> {
  const org = freshOrg();
  const ways = [
    () => ledger.admit(askOf(org)),
    () => ledger.look(askOf(org)),
    () => ledger.settle(org, [recordOf(org, askOf(org).hold)]),
    () => ledger.release(org, askOf(org).hold),
    () => ledger.inspect(org),
    () => ledger.publish(keyRecord(org, 1)),
  ];
  for (const ask of ways) {
    const startMs = performance.now();
    const error: unknown = await ask().then((answer) => expect.fail(`answered ${JSON.stringify(answer)}`), (cause: unknown) => cause);
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain(digest);
    expect(String(error)).not.toContain(org);
    // The deadline, and what a busy machine may add.
    expect(performance.now() - startMs).toBeLessThan(waitMsMax + 1_500);
  }
}

describe.skipIf(!isRedisThere)("a Redis that is not well", () => {
  let world: RedisWorld;
  beforeAll(async () => void (world = await openWorld("everysec")));
  afterAll(() => world?.close());

  test("down: throws at once, and serves again by itself when it is back", async () => {
    const ledger = ledgerAt(world.redis.url, world.redis.token);
    world.redis.server.kill("SIGKILL");
    await expectAllThrow(ledger, /redis: /);
    await world.crash();
    expect(await ledger.inspect(freshOrg())).toBeNull();
  });

  test("stopped in mid-life: throws at the deadline; what it did afterwards is found when it goes on", async () => {
    const { org } = await openWith(world.redis);
    const ledger = ledgerAt(world.redis.url, world.redis.token);
    world.redis.server.kill("SIGSTOP");
    try {
      await expectAllThrow(ledger, /no answer within 250 ms/);
      await expect(ledger.admit(askOf(org))).rejects.toThrow("no answer within 250 ms");
    } finally {
      world.redis.server.kill("SIGCONT");
    }
    const lasting = upstashLedger({ ...world.redis, waitMsMax: 20_000, now: () => askOf(org).ttlMs * 3_000_000, writeRows: async () => undefined, later: () => undefined });
    expect((await lasting.inspect(org))?.openHolds).toEqual([]);
  });

  test("a wrong token", async () => {
    await expectAllThrow(ledgerAt(world.redis.url, "wrong-wrong-wrong"), /Unauthorized/);
  });

  test("out of memory: refuses, and has booked nothing of what it refused", async () => {
    const { ledger, org } = await openWith(world.redis);
    await world.command("CONFIG", "SET", "maxmemory", "1");
    try {
      await expect(ledger.admit(askOf(org))).rejects.toThrow("OOM");
    } finally {
      await world.command("CONFIG", "SET", "maxmemory", "0");
    }
    expect((await ledger.inspect(org))?.openHolds).toEqual([]);
  });
});

describe("a REST service that is not well", () => {
  let close = async () => {};
  afterEach(() => close());

  const serve = async (answer: (response: ServerResponse) => void) => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (bytes) => (body += bytes)).on("end", () => {
        seen.push(body);
        answer(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
  };

  test("nobody listens", async () => {
    const { url } = await serve(() => undefined);
    await close();
    close = async () => {};
    await expectAllThrow(ledgerAt(url, "token"), /redis: /);
  });

  test.each([
    ["silence", (response: ServerResponse) => void response, /no answer within 250 ms/],
    ["an answer that never ends", (response: ServerResponse) => void response.writeHead(200).write('{"result":'), /no answer within 250 ms/],
    ["a page of HTML", (response: ServerResponse) => void response.writeHead(200).end("<html>captive portal</html>"), /not JSON/],
    ["a page of HTML as an error", (response: ServerResponse) => void response.writeHead(502).end("<html>bad gateway</html>"), /not JSON/],
    ["nothing", (response: ServerResponse) => void response.writeHead(200).end(), /not JSON/],
    ["a cut connection", (response: ServerResponse) => void response.destroy(), /redis: /],
    ["the plan's quota used up", (response: ServerResponse) => void response.writeHead(429).end('{"error":"ERR max daily request limit exceeded. Limit: 10000"}'), /max daily request limit/],
    ["read-only after a failover", (response: ServerResponse) => void response.writeHead(400).end('{"error":"READONLY You can\'t write against a read only replica."}'), /READONLY/],
    ["another's answer", (response: ServerResponse) => void response.writeHead(200).end('{"result":"OK"}'), /the reply is not the ledger's|redis: /],
    ["a grant without its numbers", (response: ServerResponse) => void response.writeHead(200).end('{"result":["grant"]}'), /the reply is not the ledger's/],
    ["a grant of text", (response: ServerResponse) => void response.writeHead(200).end('{"result":["grant","1","2","3",null,null,null,null,null,null]}'), /the reply is not the ledger's/],
    ["null", (response: ServerResponse) => void response.writeHead(200).end('{"result":null}'), /the reply is not the ledger's/],
    ["no result at all", (response: ServerResponse) => void response.writeHead(200).end("{}"), /redis: /],
  ])("%s", async (_, answer, message) => {
    await expectAllThrow(ledgerAt((await serve(answer)).url, "token"), message);
  });

  test("a failure is never tried again, save an unknown script, which is sent whole", async () => {
    const failing = await serve((response) => void response.writeHead(500).end('{"error":"ERR no"}'));
    const run = openScript({ url: failing.url, token: "t", waitMsMax }, "return 1");
    await expect(run(["k"], ["a"])).rejects.toThrow("redis: ERR no");
    expect(failing.seen).toHaveLength(1);
    await close();
    let asked = 0;
    const forgetful = await serve((response) => void response.writeHead(asked++ ? 200 : 400).end(asked > 1 ? '{"result":1}' : '{"error":"NOSCRIPT No matching script."}'));
    expect(await openScript({ url: forgetful.url, token: "t", waitMsMax }, "return 1")(["k"], ["a"])).toBe(1);
    expect(forgetful.seen.map((body) => JSON.parse(body))).toEqual([["evalsha", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", 1, "k", "a"], ["eval", "return 1", 1, "k", "a"]]);
  });
});
