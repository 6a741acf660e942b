import { afterAll, beforeAll, expect, it } from "vitest";
import { mintKey, openKeyring } from "#edge/agreements/tokens/key-format.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import type { Database } from "#edge/control/http/store.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const list = (key: string, headers = {}) => world.ask("GET", "/control/orgs", { key, headers });

it("takes the scheme in any case, and nothing but a bearer", async () => {
  expect((await list("", { authorization: `bearer ${world.a.admin}` })).status).toBe(200);
  for (const authorization of [
    world.a.admin,
    `Basic ${world.a.admin}`,
    `Bearer ${world.a.admin} x`,
    `Bearer x, Bearer ${world.a.admin}`,
    `Bearer ${"x".repeat(10_000)}`,
  ]) {
    expect((await list("", { authorization })).status).toBe(401);
  }
  expect((await world.ask("GET", "/control/orgs", { key: null, headers: { "x-api-key": world.a.admin } })).status).toBe(
    401,
  );
});

it("says what the form alone shows: no key, an inference key, a client token", async () => {
  const table: [string | null, Record<string, string>, RegExp][] = [
    [null, {}, /^No key was sent/],
    ["", { authorization: world.a.admin }, /^No key was sent/],
    [world.a.key, {}, /^This is an inference key/],
    ["sk-pen-x", {}, /^This is an inference key/],
    ["eyJx.e30.AAAA", {}, /^This is a client token/],
  ];
  for (const [key, headers, message] of table) {
    const answer = await world.ask("GET", "/control/orgs", { key, headers });
    expect([answer.status, answer.body.error.code]).toEqual([401, "invalid_api_key"]);
    expect(answer.body.error.message).toMatch(message);
  }
});

it("refuses a key that we did not make without asking the store", async () => {
  const others = await openKeyring({ tagKeys: { t1: "C".repeat(43) }, peppers: { p1: "B".repeat(43) } });
  const foreign = await mintKey("admin", world.a.org, others, generateRandomBytes);
  const inference = await mintKey("inference", world.a.org, world.keyring, generateRandomBytes);
  const { db } = world.control;
  world.control.db = { prepare: () => expect.unreachable("the store was asked") } as Database;
  for (const key of ["garbage", foreign.text, inference.text]) expect((await list(key)).status).toBe(401);
  world.control.db = db;
});

it("refuses a key of ours that was never stored, and one whose secret is another's", async () => {
  const unknown = await mintKey("admin", world.a.org, world.keyring, generateRandomBytes);
  expect((await list(unknown.text)).status).toBe(401);
  await world.db.prepare("UPDATE keys SET digest = ? WHERE id = ?").bind("0".repeat(64), world.b.adminId).run();
  expect((await list(world.b.admin)).status).toBe(401);
});

it("knows a key by the pepper it was stored under, after the peppers have turned", async () => {
  const { keyring } = world.control;
  world.control.keyring = await openKeyring({
    tagKeys: { t2: "D".repeat(43), t1: "A".repeat(43) },
    peppers: { p2: "E".repeat(43), p1: "B".repeat(43) },
  });
  expect((await list(world.a.admin)).status).toBe(200);
  world.control.keyring = await openKeyring({ tagKeys: { t1: "A".repeat(43) }, peppers: { p2: "E".repeat(43) } });
  expect((await list(world.a.admin)).status).toBe(401);
  world.control.keyring = keyring;
});

it("refuses a revoked admin key on the next call, and an expired one at its millisecond", async () => {
  const { body: key } = await world.ask("POST", `/control/orgs/${world.a.org}/keys`, {
    body: { name: "t", kind: "admin", expiresAt: Date.now() + 3_600_000 },
  });
  const expiresAtMs = Date.parse(key.expiresAt);
  expect((await list(key.secret)).status).toBe(200);
  world.clock.offsetMs = expiresAtMs - Date.now() + 1;
  expect((await list(key.secret)).status).toBe(401);
  world.clock.offsetMs = 0;
  expect((await list(key.secret)).status).toBe(200);
  await world.ask("POST", `/control/orgs/${world.a.org}/keys/${key.id}/revoke`);
  expect((await list(key.secret)).status).toBe(401);
});

it("answers 503, not 401, when the store of keys cannot be read (F1)", async () => {
  const { db } = world.control;
  world.control.db = {
    prepare: () => {
      throw new Error("D1_ERROR: secret detail");
    },
  };
  const answer = await list(world.a.admin);
  world.control.db = db;
  expect([answer.status, answer.body.error.code]).toEqual([503, "store_unavailable"]);
  expect(answer.text).not.toContain("D1_ERROR");
});
