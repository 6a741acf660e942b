import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loopback, startEdge, type RunningEdge } from "#infra/local/edge/edge.ts";
import { startRedis, type LocalRedis } from "#infra/local/redis/redis.ts";
import { makeSecrets, makeSecretVars } from "#infra/local/secrets.ts";
import { defaultModels, root } from "#infra/local/stack.ts";
import { isRedisThere } from "#test/support/redis.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";
import { eventsOf, windowOf, type World } from "#test/support/stack/world.ts";

/** Small, so that a slow machine reaches it: a test that needs more calls a second than it can make shows nothing. */
const perSecond = 2;
const vars = { IP_PER_SECOND: String(perSecond), IP_EXEMPT: `${loopback}, 203.0.113.0/24` };
let own: OwnStack;
let world: World;
let org: { id: string; key: string };
beforeAll(async () => {
  own = await openOwnStack({ vars });
  world = own.world;
  org = await world.newOrg();
});
afterAll(() => own.close());

let addresses = 0;
/** An address that no other test has used. */
const fresh = () => `198.51.100.${++addresses}`;
/** As a page calls: its browser has to be told that the page may read a refusal too. */
const from = (ip: string) => ({ "cf-connecting-ip": ip, origin: "https://app.example" });
const get = (path: string, ip: string, key = org.key) =>
  fetch(world.place.edge + path, { headers: { authorization: `Bearer ${key}`, ...from(ip) } });
const models = (ip: string) => get("/v1/models", ip);

/** Calls at once; tells who passed, and how many may have: a second's calls, and the rate for as long as it took. */
async function burst(calls: number, call: (index: number) => Promise<Response>) {
  const fromMs = Date.now();
  const answers = await Promise.all(Array.from({ length: calls }, (_, index) => call(index)));
  const passedMax = perSecond + (perSecond * (Date.now() - fromMs)) / 1_000;
  const refused = answers.filter(({ status }) => status === 429);
  return { answers, refused, passed: calls - refused.length, passedMax };
}

/** Two calls, the second so soon after the first that only what the first was counted for can refuse it. */
async function soonAfter(
  first: (ip: string) => Promise<Response>,
  second = models,
): Promise<{ first: Response; second: Response }> {
  for (let tries = 0; tries < 30; tries++) {
    const ip = fresh();
    const fromMs = Date.now();
    const answers = { first: await first(ip), second: await second(ip) };
    if (Date.now() - fromMs < 400) return answers;
  }
  throw new Error("this machine cannot make two calls within 400 ms");
}

describe("a burst from one address", () => {
  test("passes up to the limit; the rest gets a 429 that SDKs and browsers understand, others do not", async () => {
    const [ip, other] = [fresh(), fresh()];
    const { refused, passed, passedMax } = await burst(40, () => models(ip));
    expect(passed).toBeGreaterThanOrEqual(perSecond);
    expect(passed).toBeLessThanOrEqual(passedMax);
    const [answer] = refused;
    const { headers } = answer ?? expect.fail("nothing was refused");
    expect(await answer?.json()).toEqual({
      error: {
        message: expect.stringMatching(
          /^Rate limit reached: requests from your IP address \(the limit is 2 per second\)\. Try again in \d+ms\.$/,
        ),
        type: "rate_limit_error",
        param: null,
        code: "rate_limit_exceeded",
      },
    });
    expect(headers.get("retry-after")).toBe("1");
    expect(Number(headers.get("retry-after-ms"))).toBeGreaterThanOrEqual(1);
    expect([headers.get("x-ratelimit-limit-requests"), headers.get("x-ratelimit-remaining-requests")]).toEqual([
      "2",
      "0",
    ]);
    expect(headers.get("x-ratelimit-reset-requests")).toMatch(/^(\d+ms|1s|1\.\d+s)$/);
    expect(headers.get("x-request-id")).toMatch(/^req_/);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect((await models(other)).status).toBe(200);
    expect(
      own.logs.some((line) => line.includes('"rate_limit_exceeded"') && line.includes("by the isolate count")),
    ).toBe(true);
    expect(own.logs.filter((line) => line.includes(ip))).toEqual([]);
  });

  test("of calls to models runs and is charged for what passed, and holds nothing for what did not", async () => {
    const caller = await world.newOrg();
    const ip = fresh();
    const { answers, refused, passed, passedMax } = await burst(20, () =>
      world.chat(caller.key, { max_tokens: 2 }, from(ip)),
    );
    expect(passed).toBeLessThanOrEqual(passedMax);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(passed);
    expect(refused[0]?.headers.get("access-control-allow-origin")).toBe("*");
    expect(await refused[0]?.json()).toMatchObject({
      error: { type: "rate_limit_error", code: "rate_limit_exceeded" },
    });
    expect(await world.settled(caller.id)).toHaveLength(passed);
    expect(windowOf(await world.ledger(caller.id), "requestsPerDay")).toMatchObject({ held: 0, settled: passed });
  });

  test("does not touch a stream that runs already", async () => {
    const ip = fresh();
    const stream = await world.chat(org.key, { max_tokens: 400, stream: true }, from(ip));
    expect(stream.status).toBe(200);
    const { refused } = await burst(20, () => models(ip));
    expect(refused.length).toBeGreaterThan(0);
    expect((await eventsOf(stream)).at(-1)).toBe("[DONE]");
  });

  test("comes from one caller when it comes from one /56, and from another beside it", async () => {
    const { passed, passedMax } = await burst(40, (index) =>
      models(`2001:db8:1:20${index.toString(16).padStart(2, "0")}::1`),
    );
    expect(passed).toBeLessThanOrEqual(passedMax);
    expect((await models("2001:db8:1:2100::1")).status).toBe(200);
  });

  test("is not limited at an address that the operator lists, nor on this machine", async () => {
    expect((await burst(20, () => models("203.0.113.9"))).refused).toEqual([]);
    expect(
      (
        await burst(20, () =>
          fetch(`${world.place.edge}/v1/models`, { headers: { authorization: `Bearer ${org.key}` } }),
        )
      ).refused,
    ).toEqual([]);
  });
});

describe("a key that is guessed counts double", () => {
  const guess = `sk-pen-${"0".repeat(63)}`;
  const revoked = async () => {
    const key = await world.newKey(org.id);
    await world.must("POST", `/orgs/${org.id}/keys/${key.id}/revoke`);
    return key.secret;
  };
  const ways: [string, (ip: string, key: string) => Promise<Response>, () => Promise<string> | string][] = [
    ["in a call", (ip, key) => world.chat(key, {}, from(ip)), () => guess],
    ["in a call whose key was ours and is revoked", (ip, key) => world.chat(key, {}, from(ip)), revoked],
    [
      "in a call with a token of nobody",
      (ip, key) => world.chat(key, {}, from(ip)),
      () => "eyJhbGciOiJFZERTQSJ9.e30.AA",
    ],
    ["in the list of models", (ip, key) => get("/v1/models", ip, key), () => guess],
    ["for a client token", (ip, key) => world.post("/v1/client-tokens", key, {}, from(ip)), () => guess],
    ["at the control API", (ip, key) => get("/control/orgs", ip, key), () => guess],
    [
      "at the bootstrap",
      (ip, key) =>
        fetch(`${world.place.edge}/control/bootstrap`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, ...from(ip) },
        }),
      () => guess,
    ],
  ];
  for (const [name, call, keyOf] of ways) {
    test(`${name}`, async () => {
      const key = await keyOf();
      const { first, second } = await soonAfter((ip) => call(ip, key));
      expect([first.status, second.status]).toEqual([401, 429]);
    });
  }

  test("and a good one does not, nor does any other mistake", async () => {
    const good = await soonAfter(models);
    expect([good.first.status, good.second.status]).toEqual([200, 200]);
    const wrong = await soonAfter((ip) => world.chat(org.key, { temperature: "hot" }, from(ip)));
    expect([wrong.first.status, wrong.second.status]).toEqual([400, 200]);
  });
});

describe("who is over the limit", () => {
  test("learns that first, whatever else is wrong with the call", async () => {
    for (const next of [
      (ip: string) => world.chat("sk-nonsense", {}, from(ip)),
      (ip: string) => world.post("/v1/chat/completions", org.key, "{", from(ip)),
      (ip: string) => get("/nonsense", ip),
      (ip: string) => get("/control/orgs", ip),
    ]) {
      expect((await soonAfter((ip) => world.chat("sk-guess", {}, from(ip)), next)).second.status).toBe(429);
    }
  });

  test("still finds the probes and may ask for permission as browsers do; forged nodes are counted", async () => {
    const ip = fresh();
    const { refused } = await burst(10, () => models(ip));
    expect(refused.length).toBeGreaterThan(0);
    for (const path of ["/livez", "/readyz"]) expect((await burst(10, () => get(path, ip))).refused, path).toEqual([]);
    const preflight = {
      method: "OPTIONS",
      headers: { "access-control-request-method": "POST", ...from(ip) },
    };
    expect((await burst(10, () => fetch(`${world.place.edge}/v1/chat/completions`, preflight))).refused).toEqual([]);
    const heartbeats = await burst(10, () =>
      fetch(`${world.place.edge}/origin/heartbeat`, { method: "POST", headers: from(ip), body: "{}" }),
    );
    expect(heartbeats.answers.map(({ status }) => status)).toEqual(Array(10).fill(429));
  });
});

test("the platform's counter has every network that we passed on, and no whole IPv6 address", async () => {
  await models("2001:db8:5:6:7:8:9:a");
  const folder = join(world.place.stateDir, "edge", "ratelimit");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const stored = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1")).join("\n");
  expect(stored).toContain("20010db8000500");
  expect(stored).not.toContain("20010db800050006");
  expect(own.logs.filter((line) => line.includes('"ip_limit"'))).toEqual([]);
});

describe.skipIf(!isRedisThere)("with Redis", () => {
  const logs: string[] = [];
  let dir: string;
  let redis: LocalRedis;
  let edge: RunningEdge;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "penstock-ip-redis-"));
    redis = await startRedis({ dir, fsync: "everysec" });
    const ledger = { LEDGER: "upstash", UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token };
    const given = {
      ...vars,
      ...ledger,
      MODELS: JSON.stringify(defaultModels),
      NODES: "[]",
      ...makeSecretVars(makeSecrets()),
    };
    edge = await startEdge({
      root,
      port: 0,
      stateDir: join(dir, "edge"),
      vars: given,
      log: (line) => void logs.push(line),
    });
  });
  afterAll(async () => {
    await edge?.close();
    await redis?.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const guessFrom = (ip: string) =>
    fetch(`${edge.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer sk-guess", ...from(ip) },
      body: "{}",
    });
  const countedKeys = async () => {
    const answer = await fetch(redis.url, {
      method: "POST",
      headers: { authorization: `Bearer ${redis.token}` },
      body: JSON.stringify(["KEYS", "penstock:ip:*"]),
    });
    return ((await answer.json()) as { result: string[] }).result;
  };

  test("it counts for all edges, by network", async () => {
    let keys: string[] = [];
    // On a slow machine Redis may miss its deadline: then the call is counted here alone.
    for (let tries = 0; tries < 50 && keys.length === 0; tries++) {
      expect((await guessFrom(`2001:db8:7:${++addresses}00::1`)).status).toBe(401);
      keys = await countedKeys();
    }
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) expect(key).toMatch(/^penstock:ip:20010db80007[0-9a-f]{2}:\d+$/);
  });

  test("while it is away each edge counts alone, and says so: nobody is unlimited, nobody is turned away", async () => {
    redis.server.kill("SIGKILL");
    logs.length = 0;
    const ip = fresh();
    const { answers, refused, passed, passedMax } = await burst(20, () => guessFrom(ip));
    expect(passed).toBeGreaterThanOrEqual(1);
    expect(passed).toBeLessThanOrEqual(passedMax);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(passed);
    expect(logs.some((line) => line.includes("ip_limit_unreachable"))).toBe(true);
    expect(logs.filter((line) => line.includes(ip))).toEqual([]);
  });
});

test("a limit of 0 is no limit, and the log says that nobody counts", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "penstock-ip-off-"));
  const logs: string[] = [];
  const given = {
    IP_PER_SECOND: "0",
    MODELS: JSON.stringify(defaultModels),
    NODES: "[]",
    ...makeSecretVars(makeSecrets()),
  };
  const edge = await startEdge({ root, port: 0, stateDir, vars: given, log: (line) => void logs.push(line) });
  try {
    const ip = fresh();
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => fetch(`${edge.url}/v1/models`, { headers: from(ip) })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(401));
    expect(logs.filter((line) => line.includes('"ip_limit"')).map((line) => JSON.parse(line))).toEqual([
      { event: "ip_limit", perSecond: 0, countedBy: "nobody" },
    ]);
  } finally {
    await edge.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
});
