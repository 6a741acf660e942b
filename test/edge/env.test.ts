import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { secretOf } from "#test/support/fakes/keyring.ts";
import { modelOf } from "#test/support/fakes/models.ts";

interface EnvModule {
  readSettings(env: Record<string, unknown>): Record<string, unknown>;
  MisconfiguredError: new (faults: string[]) => Error;
}
// The module speaks of the platform's types, which the tests' own compiler settings do not know.
const path: string = "#edge/env.ts";
const { readSettings, MisconfiguredError } = (await import(path)) as EnvModule;

const jwk = { ...generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }), kid: "h1" };
const node = { id: "node_a", url: "https://a.example", tier: "shared", models: ["m"] };
const good: Record<string, unknown> = {
  DB: {},
  LEDGERS: {},
  FLEET: {},
  LEDGER: "durable-object",
  MODELS: JSON.stringify([modelOf()]),
  NODES: JSON.stringify([node]),
  TAG_KEYS: JSON.stringify({ t1: secretOf(1) }),
  PEPPERS: JSON.stringify({ p1: secretOf(101), p2: secretOf(102) }),
  NODE_MASTER_KEYS: JSON.stringify({ n1: secretOf(11), n2: secretOf(12) }),
  TOKEN_KEY: JSON.stringify(jwk),
  BOOTSTRAP_TOKEN: "b".repeat(32),
};

function faultsOf(env: Record<string, unknown>): string {
  try {
    readSettings(env);
  } catch (failure) {
    if (failure instanceof MisconfiguredError) return failure.message;
    throw failure;
  }
  throw new Error("nothing was at fault");
}
const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([other]) => other !== name));

describe("settings", () => {
  test("are read when all is there; the ledger and the bootstrap token have defaults", () => {
    expect(readSettings(good)).toMatchObject({
      LEDGER: { kind: "durable-object" },
      TAG_KEYS: { t1: secretOf(1) },
      NODE_MASTER_KEYS: { n1: secretOf(11), n2: secretOf(12) },
      TOKEN_KEY: { kid: "h1" },
    });
    expect(readSettings(without("LEDGER")).LEDGER).toEqual({ kind: "durable-object" });
    expect(readSettings(without("BOOTSTRAP_TOKEN")).BOOTSTRAP_TOKEN).toBeUndefined();
    expect(readSettings({ ...good, NODES: "[]" }).NODES).toEqual([]);
  });

  test("stored responses need a bucket and keys; keys without a bucket are a mistake", () => {
    const keys = JSON.stringify({ s1: secretOf(1) });
    expect(readSettings(good)["STORE_KEYS"]).toBeUndefined();
    expect(readSettings({ ...good, RESPONSES: {}, STORE_KEYS: keys })["STORE_KEYS"]).toEqual({ s1: secretOf(1) });
    expect(() => readSettings({ ...good, STORE_KEYS: keys })).toThrow("binding RESPONSES is missing");
    expect(() => readSettings({ ...good, RESPONSES: {}, STORE_KEYS: "{}" })).toThrow("STORE_KEYS must hold");
  });

  test("callers are limited by address by default, and networks are listed with commas", () => {
    expect(readSettings(good)).toMatchObject({ IP_PER_SECOND: 50, IP_EXEMPT: [] });
    expect(readSettings({ ...good, IP_PER_SECOND: "0", IP_EXEMPT: "" })).toMatchObject({
      IP_PER_SECOND: 0,
      IP_EXEMPT: [],
    });
    const ranges = [
      { from: `${"0".repeat(20)}ffff0a000000`, to: `${"0".repeat(20)}ffff0affffff` },
      { from: "1".padStart(32, "0"), to: "1".padStart(32, "0") },
    ];
    expect(readSettings({ ...good, IP_PER_SECOND: "120", IP_EXEMPT: " 10.0.0.0/8, ::1 ," })).toMatchObject({
      IP_PER_SECOND: 120,
      IP_EXEMPT: ranges,
    });
  });

  test("a node may name its models by an alias, and is known to serve the model that it stands for", () => {
    const model = modelOf({ id: "house/model", aliases: ["chat"] });
    const nodes = JSON.stringify([{ ...node, models: ["chat", "house/model", "unserved"] }]);
    const settings = readSettings({ ...good, MODELS: JSON.stringify([model]), NODES: nodes });
    expect(settings).toMatchObject({ NODES: [{ models: ["house/model", "house/model", "unserved"] }] });
  });

  test("money is in USD unless another currency is named", () => {
    expect(readSettings(good).CURRENCY).toBe("USD");
    expect(readSettings(good).TICKETS).toBe("required");
    expect(readSettings({ ...good, TICKETS: "optional" }).TICKETS).toBe("optional");
    expect(readSettings({ ...good, CURRENCY: "EUR" }).CURRENCY).toBe("EUR");
  });

  test("Redis has 250 ms by default, 10 ms to 5 s", () => {
    expect(readSettings(good).REDIS_WAIT_MS).toBe(250);
    for (const ms of [10, 999, 1_000, 4_999, 5_000])
      expect(readSettings({ ...good, REDIS_WAIT_MS: String(ms) }).REDIS_WAIT_MS).toBe(ms);
  });

  test("a hold stands 30 s after its call's deadline by default, 1 s to 10 minutes", () => {
    expect(readSettings(good)["HOLD_GRACE_MS"]).toBe(30_000);
    for (const ms of [1_000, 9_999, 99_999, 100_000, 599_999, 600_000])
      expect(readSettings({ ...good, HOLD_GRACE_MS: String(ms) })["HOLD_GRACE_MS"]).toBe(ms);
  });

  for (const name of [
    "DB",
    "LEDGERS",
    "FLEET",
    "MODELS",
    "NODES",
    "TAG_KEYS",
    "PEPPERS",
    "NODE_MASTER_KEYS",
    "TOKEN_KEY",
  ]) {
    test(`without ${name} the gateway does not start, and says so by that name and no other`, () => {
      const faults = faultsOf(without(name));
      expect(faults).toContain(name);
      for (const other of Object.keys(good).filter((one) => one !== name && !name.startsWith(one)))
        expect(faults).not.toContain(other);
    });
  }

  test("all faults are named at once", () => {
    const faults = faultsOf({});
    for (const name of [
      "DB",
      "LEDGERS",
      "FLEET",
      "MODELS",
      "NODES",
      "TAG_KEYS",
      "PEPPERS",
      "NODE_MASTER_KEYS",
      "TOKEN_KEY",
    ])
      expect(faults).toContain(name);
  });
});

describe("a malformed value is named by its variable and never shown", () => {
  const canary = `CANARY${secretOf(99)}`;
  const secrets = (name: string): [string, string, string][] => [
    [name, "empty", ""],
    [name, "no JSON", canary],
    [name, "a list", `["${canary}"]`],
    [name, "text", `"${canary}"`],
    [name, "empty of secrets", "{}"],
    [name, "three secrets", JSON.stringify({ a: canary, b: canary, c: canary })],
    [name, "a short secret", JSON.stringify({ a: canary.slice(0, 42) })],
    [name, "a secret of other characters", JSON.stringify({ a: `${canary}=/+` })],
    [name, "a secret of a length that no bytes encode to", JSON.stringify({ a: canary.slice(0, 45) })],
    [name, "kid and secret swapped", JSON.stringify({ [canary]: "t1" })],
    [name, "a secret as its own kid", JSON.stringify({ [canary]: canary })],
  ];
  const table: [string, string, string][] = [
    ...secrets("TAG_KEYS"),
    ...secrets("PEPPERS"),
    ...secrets("NODE_MASTER_KEYS"),
    ["NODE_MASTER_KEYS", "a kid that is a number", JSON.stringify({ n2: secretOf(1), "1": canary })],
    ["TOKEN_KEY", "empty", ""],
    ["TOKEN_KEY", "PEM", `-----BEGIN PRIVATE KEY-----\n${canary}`],
    ["TOKEN_KEY", "public only", JSON.stringify({ ...jwk, d: undefined, kid: canary })],
    ["TOKEN_KEY", "without kid", JSON.stringify({ ...jwk, kid: undefined, d: canary })],
    ["TOKEN_KEY", "of another curve", JSON.stringify({ ...jwk, crv: canary })],
    ["TOKEN_KEY", "short", JSON.stringify({ ...jwk, d: "CANARY" })],
    ["TOKEN_KEY", "with a private part that is no base64url", JSON.stringify({ ...jwk, d: `${canary}!` })],
    ["MODELS", "empty", ""],
    ["MODELS", "no model", "[]"],
    ["MODELS", "an unknown member", JSON.stringify([{ ...modelOf(), note: canary }])],
    ["MODELS", "a context in words", JSON.stringify([{ ...modelOf(), contextTokensMax: canary }])],
    ["NODES", "an address that is none", JSON.stringify([{ ...node, url: canary }])],
    ["NODES", "an id in capitals", JSON.stringify([{ ...node, id: `node_${canary}` }])],
    ["NODES", "no object", JSON.stringify([canary])],
    ["BOOTSTRAP_TOKEN", "empty", ""],
    ["BOOTSTRAP_TOKEN", "short", "CANARY"],
    ["LEDGER", "unknown", canary],
    ["REDIS_WAIT_MS", "empty", ""],
    ["REDIS_WAIT_MS", "too short for any network", "9"],
    ["REDIS_WAIT_MS", "longer than an agent waits", "5001"],
    ["REDIS_WAIT_MS", "in words", canary],
    ["HOLD_GRACE_MS", "too short for a node's report", "999"],
    ["HOLD_GRACE_MS", "longer than ten minutes", "600001"],
    ["HOLD_GRACE_MS", "in words", canary],
    ["IP_PER_SECOND", "empty", ""],
    ["IP_PER_SECOND", "negative", "-1"],
    ["IP_PER_SECOND", "a fraction", "0.5"],
    ["IP_PER_SECOND", "in words", canary],
    ["CURRENCY", "no code of ISO 4217", "euro"],
    ["TICKETS", "neither of its words", canary],
    ["IP_EXEMPT", "no address", canary],
    ["IP_EXEMPT", "a network with bits beyond its prefix, among others", "10.0.0.0/8,203.0.113.7/24"],
    ["IP_EXEMPT", "a list in JSON", `["${canary}"]`],
  ];
  for (const [name, what, value] of table) {
    test(`${name}: ${what}`, () => {
      const faults = faultsOf({ ...good, [name]: value });
      expect(faults).toContain(name);
      expect(faults).not.toContain("CANARY");
      expect(faults.length).toBeLessThan(300);
    });
  }

  test("a model for sound or pictures says what a unit counts for", () => {
    for (const endpoint of ["audio.transcriptions", "audio.translations", "audio.speech", "images.generations"]) {
      const models = (unitTokens?: number) =>
        JSON.stringify([{ ...modelOf(), endpoints: [endpoint], ...(unitTokens && { unitTokens }) }]);
      expect(faultsOf({ ...good, MODELS: models() })).toContain("without `unitTokens`");
      expect(readSettings({ ...good, MODELS: models(50) })).toMatchObject({ MODELS: [{ unitTokens: 50 }] });
    }
  });

  test("what is no text is refused by name, as bindings and TOML tables may be", () => {
    for (const name of ["MODELS", "NODES", "TAG_KEYS", "PEPPERS", "NODE_MASTER_KEYS", "TOKEN_KEY"])
      for (const value of [{}, [], 1, true, null]) expect(faultsOf({ ...good, [name]: value })).toContain(name);
  });

  test("two nodes do not share an id, and two models no name: the first would hide the second", () => {
    expect(faultsOf({ ...good, NODES: JSON.stringify([node, { ...node, url: "https://b.example" }]) })).toContain(
      "NODES",
    );
    expect(faultsOf({ ...good, MODELS: JSON.stringify([modelOf(), modelOf({ id: "other" })]) })).toContain("MODELS");
  });
});

test("with Redis for a ledger its address and token are named when missing, and are not needed otherwise", () => {
  const redis = { ...good, LEDGER: "upstash" };
  expect(faultsOf(redis)).toMatch(/UPSTASH_REDIS_REST_URL is not set.*UPSTASH_REDIS_REST_TOKEN is not set/);
  expect(faultsOf({ ...redis, UPSTASH_REDIS_REST_URL: "redis://x", UPSTASH_REDIS_REST_TOKEN: "" })).toMatch(
    /URL is not an http.*TOKEN is empty/,
  );
  expect(
    readSettings({ ...redis, UPSTASH_REDIS_REST_URL: "https://redis.example", UPSTASH_REDIS_REST_TOKEN: "token" }),
  ).toMatchObject({ LEDGER: { kind: "upstash", waitMsMax: 250 } });
});
