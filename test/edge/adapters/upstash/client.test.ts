import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { upstashLedger } from "#edge/adapters/upstash/ledger/ledger.ts";
import { openScript } from "#edge/adapters/upstash/client.ts";
import { makeRequest, digest, freshOrg, keyRecord, makeRecord } from "#test/contracts/ledger/ledger-fixtures.ts";
import { openWith, openWorld, type RedisWorld } from "./redis-world.ts";
import { isRedisThere } from "#test/support/redis.ts";

const waitMsMax = 250;
const ledgerAt = (url: string, token: string) =>
  upstashLedger({
    url,
    token,
    waitMsMax,
    writeRows: async () => undefined,
    clock: () => Date.now(),
    later: () => undefined,
  });

/** Each way to ask, so that none of them says yes by default. */
async function expectAllThrow(ledger: ReturnType<typeof ledgerAt>, message: RegExp): Promise<void> {
  const org = freshOrg();
  const ways = [
    () => ledger.admit(makeRequest(org)),
    () => ledger.introspect(makeRequest(org)),
    () => ledger.settle(org, [makeRecord(org, makeRequest(org).hold)]),
    () => ledger.release(org, makeRequest(org).hold),
    () => ledger.inspect(org),
    () => ledger.publish(keyRecord(org, 1)),
  ];
  for (const request of ways) {
    const startMs = performance.now();
    const error: unknown = await request().then(
      (answer) => expect.fail(`answered ${JSON.stringify(answer)}`),
      (cause: unknown) => cause,
    );
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
      await expect(ledger.admit(makeRequest(org))).rejects.toThrow("no answer within 250 ms");
    } finally {
      world.redis.server.kill("SIGCONT");
    }
    const lasting = upstashLedger({
      ...world.redis,
      waitMsMax: 20_000,
      now: () => makeRequest(org).ttlMs * 3_000_000,
      writeRows: async () => undefined,
      clock: () => Date.now(),
      later: () => undefined,
    });
    expect((await lasting.inspect(org))?.openHolds).toEqual([]);
  });

  test("a wrong token", async () => {
    await expectAllThrow(ledgerAt(world.redis.url, "wrong-wrong-wrong"), /Unauthorized/);
  });

  test("out of memory: refuses, and holds nothing of what it refused", async () => {
    const { ledger, org } = await openWith(world.redis);
    await world.command("CONFIG", "SET", "maxmemory", "1");
    try {
      await expect(ledger.admit(makeRequest(org))).rejects.toThrow("OOM");
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
    const heads: string[] = [];
    const server = createServer((request, response) => {
      heads.push(
        `${request.method} ${request.url} ${request.headers["content-type"]} ${request.headers.authorization}`,
      );
      let body = "";
      request
        .on("data", (bytes) => (body += bytes))
        .on("end", () => {
          seen.push(body);
          answer(response);
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, heads };
  };

  test("nobody listens", async () => {
    const { url } = await serve(() => undefined);
    await close();
    close = async () => {};
    await expectAllThrow(ledgerAt(url, "token"), /redis: /);
  });

  test.each([
    ["silence", (response: ServerResponse) => void response, /no answer within 250 ms/],
    [
      "an answer that never ends",
      (response: ServerResponse) => void response.writeHead(200).write('{"result":'),
      /no answer within 250 ms/,
    ],
    [
      "a page of HTML",
      (response: ServerResponse) => void response.writeHead(200).end("<html>captive portal</html>"),
      /not JSON/,
    ],
    [
      "a page of HTML as an error",
      (response: ServerResponse) => void response.writeHead(502).end("<html>bad gateway</html>"),
      /not JSON/,
    ],
    ["nothing", (response: ServerResponse) => void response.writeHead(200).end(), /not JSON/],
    ["a cut connection", (response: ServerResponse) => void response.destroy(), /redis: /],
    [
      "the plan's quota used up",
      (response: ServerResponse) =>
        void response.writeHead(429).end('{"error":"ERR max daily request limit exceeded. Limit: 10000"}'),
      /max daily request limit/,
    ],
    [
      "read-only after a failover",
      (response: ServerResponse) =>
        void response.writeHead(400).end('{"error":"READONLY You can\'t write against a read only replica."}'),
      /READONLY/,
    ],
    [
      "another's answer",
      (response: ServerResponse) => void response.writeHead(200).end('{"result":"OK"}'),
      /the reply is not the ledger's|redis: /,
    ],
    [
      "a grant without its numbers",
      (response: ServerResponse) => void response.writeHead(200).end('{"result":["grant"]}'),
      /the reply is not the ledger's/,
    ],
    [
      "a grant of text",
      (response: ServerResponse) =>
        void response.writeHead(200).end('{"result":["grant","1","2","3",null,null,null,null,null,null]}'),
      /the reply is not the ledger's/,
    ],
    [
      "null",
      (response: ServerResponse) => void response.writeHead(200).end('{"result":null}'),
      /the reply is not the ledger's/,
    ],
    ...["{}", "null", "7", '"OK"', "[]"].map((body): [string, (response: ServerResponse) => void, RegExp] => [
      `no result at all but ${body}`,
      (response) => void response.writeHead(200).end(body),
      /the answer has no result|no pipeline/,
    ]),
  ])("%s", async (_, answer, message) => {
    await expectAllThrow(ledgerAt((await serve(answer)).url, "token"), message);
  });

  test("what is malformed never leaves", async () => {
    const { url, seen } = await serve((response) => void response.end("{}"));
    const ledger = ledgerAt(url, "token");
    const org = freshOrg();
    for (const request of [
      () => ledger.admit(makeRequest("org")),
      () => ledger.introspect(makeRequest("org")),
      () => ledger.settle(org, [makeRecord(org, "hold")]),
      () => ledger.release(org, "hold"),
    ])
      await expect(request()).rejects.toThrow(TypeError);
    expect(seen).toEqual([]);
  });

  test("a failure is never tried again, save an unknown script, which is sent whole", async () => {
    const failing = await serve((response) => void response.writeHead(500).end('{"error":"ERR no"}'));
    const { run } = openScript({ url: failing.url, token: "t", waitMsMax }, "return 1");
    await expect(run({ keys: ["k"], args: ["a"] })).rejects.toThrow("redis: ERR no");
    expect(failing.seen).toHaveLength(1);
    await close();
    let asked = 0;
    const forgetful = await serve(
      (response) =>
        void response
          .writeHead(asked++ ? 200 : 400)
          .end(asked > 1 ? '{"result":1}' : '{"error":"NOSCRIPT No matching script."}'),
    );
    expect(
      await openScript({ url: forgetful.url, token: "t", waitMsMax }, "return 1").run({ keys: ["k"], args: ["a"] }),
    ).toBe(1);
    expect(forgetful.seen.map((body) => JSON.parse(body))).toEqual([
      ["evalsha", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", 1, "k", "a"],
      ["eval", "return 1", 1, "k", "a"],
    ]);
  });

  const many = [
    { keys: ["k1"], args: ["a"] },
    { keys: ["k2"], args: [] },
    { keys: ["k3"], args: ["c"] },
  ];
  const reported = (answers: PromiseSettledResult<unknown>[]) =>
    answers.map((answer) => (answer.status === "fulfilled" ? answer.value : String(answer.reason)));

  test("many runs are one request, and each fails by itself", async () => {
    const { url, seen, heads } = await serve(
      (response) => void response.end('[{"result":1},{"error":"WRONGTYPE no"},{"result":null}]'),
    );
    const script = openScript({ url: `${url}/`, token: "t", waitMsMax }, "return 1");
    expect(reported(await script.runAll(many))).toEqual([1, "OutOfReach: redis: WRONGTYPE no", null]);
    expect(
      seen.map((body) => JSON.parse(body).map(([name, , count, ...rest]: string[]) => [name, count, ...rest])),
    ).toEqual([
      [
        ["evalsha", 1, "k1", "a"],
        ["evalsha", 1, "k2"],
        ["evalsha", 1, "k3", "c"],
      ],
    ]);
    expect(await script.runAll([])).toEqual([]);
    expect(heads).toEqual(["POST /pipeline application/json Bearer t"]);
  });

  test("of many runs only those that Redis did not know go again, the script once with the first", async () => {
    let asked = 0;
    const { url, seen } = await serve(
      (response) =>
        void response.end(
          asked++
            ? '[{"result":2},{"result":3}]'
            : '[{"result":1},{"error":"NOSCRIPT No matching script."},{"error":"NOSCRIPT No matching script."}]',
        ),
    );
    expect(reported(await openScript({ url, token: "t", waitMsMax }, "return 1").runAll(many))).toEqual([1, 2, 3]);
    expect(JSON.parse(seen[1] ?? "")).toEqual([
      ["eval", "return 1", 1, "k2"],
      ["evalsha", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", 1, "k3", "c"],
    ]);
  });

  test.each([
    [
      "a refusal of the whole",
      (response: ServerResponse) => void response.writeHead(401).end('{"error":"Unauthorized"}'),
      "Unauthorized",
    ],
    ["an answer too few", (response: ServerResponse) => void response.end('[{"result":1}]'), "no pipeline"],
    ["silence", (response: ServerResponse) => void response, "no answer within 250 ms"],
    [
      "a status without a word",
      (response: ServerResponse) => void response.writeHead(503).end("[1,2,3]"),
      "status 503",
    ],
    [
      "a redirect",
      (response: ServerResponse) => void response.writeHead(302, { location: "/elsewhere" }).end("{}"),
      "status 302",
    ],
  ])("many runs, and %s: each fails, and none is sent again", async (_, answer, message) => {
    const { url, seen } = await serve(answer);
    const answers = await openScript({ url, token: "t", waitMsMax }, "return 1").runAll(many);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    for (const failure of reported(answers)) expect(failure).toContain(message);
    expect(seen).toHaveLength(1);
  });

  test.each([
    [
      "a command that it does not know",
      `ERR unknown command 'evalsha', with args beginning with: '${digest}' more`,
      /unknown command 'evalsha', with args beginning with:$/,
    ],
    ["everything", `["evalsha","${digest}"]`, /^OutOfReach: redis: it says why at length$/],
    ["an address", `ERR in script: ${"0".repeat(20)}ffffcb007101 is bad`, /ERR in script:$/],
  ])("an answer that quotes %s is reported up to the quotation", async (_, error, message) => {
    const { url } = await serve((response) => void response.writeHead(400).end(JSON.stringify({ error })));
    await expectAllThrow(ledgerAt(url, "token"), message);
  });

  test("a long error is reported in part", async () => {
    const { url } = await serve(
      (response) => void response.writeHead(400).end(JSON.stringify({ error: "no ".repeat(1_000) })),
    );
    await expectAllThrow(ledgerAt(url, "token"), /^OutOfReach: redis: (no ){66}no$/);
  });

  test("what an operator has to know is reported in full", async () => {
    const error = "ERR max requests limit exceeded. Limit: 500000, Usage: 500001. See the documentation for details";
    const { url } = await serve((response) => void response.writeHead(400).end(JSON.stringify({ error })));
    await expectAllThrow(ledgerAt(url, "token"), new RegExp(`redis: ${error}$`));
  });
});
