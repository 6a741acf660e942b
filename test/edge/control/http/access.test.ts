import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
  const unreachable = () => expect.unreachable("the store was asked");
  world.control.db = { prepare: unreachable, batch: unreachable } as Database;
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
    batch: () => expect.unreachable("no key, no change"),
  };
  const answer = await list(world.a.admin);
  world.control.db = db;
  expect([answer.status, answer.body.error.code]).toEqual([503, "store_unavailable"]);
  expect(answer.text).not.toContain("D1_ERROR");
});

describe("a person who is signed in", () => {
  const rename = (asking: object, org = world.a.org) =>
    world.ask("PATCH", `/control/orgs/${org}`, { ...asking, body: { name: "Org A" } });

  it("is let in by their cookie, in the orgs that they are a member of", async () => {
    const owner = await world.signIn(world.a.org, "owner");
    expect((await rename(owner)).status).toBe(200);
    expect((await rename(owner, world.b.org)).status).toBe(404);
    const orgs = (await world.ask("GET", "/control/orgs", owner)).body.orgs;
    expect(orgs.map(({ id }: { id: string }) => id)).toEqual([world.a.org]);
    const nobody = { key: null, headers: { ...owner.headers, cookie: "session=x" } };
    expect((await rename(nobody)).status).toBe(401);
    world.sessions.people.clear();
    expect((await rename(owner)).status).toBe(401);
  });

  it("changes nothing from another site's page, nor in a form that a page may send unasked (S10)", async () => {
    const owner = await world.signIn(world.a.org, "owner");
    const { origin: _, ...noOrigin } = owner.headers;
    for (const headers of [
      noOrigin,
      { ...owner.headers, origin: "https://evil.example.test" },
      { ...owner.headers, origin: "null" },
      { ...owner.headers, "content-type": "text/plain" },
    ]) {
      const answer = await rename({ key: null, headers });
      expect([answer.status, answer.body.error.code]).toEqual([403, "cross_origin"]);
    }
    const plain = await world.ask("GET", `/control/orgs/${world.a.org}`, { key: null, headers: noOrigin });
    expect(plain.status).toBe(200);
  });

  it("needs a second factor where the org asks for one, and may read only where it is suspended", async () => {
    const owner = await world.signIn(world.b.org, "owner");
    const path = `/control/orgs/${world.b.org}`;
    await world.ask("PATCH", path, { ...owner, body: { requiresMfa: true } });
    const refused = await world.ask("GET", path, owner);
    expect([refused.status, refused.body.error.message]).toEqual([403, expect.stringMatching(/second factor/)]);
    const careful = await world.signIn(world.b.org, "owner", { hasSecondFactor: true });
    expect((await world.ask("GET", path, careful)).body.requiresMfa).toBe(true);
    await world.ask("PATCH", path, { body: { isSuspended: true } });
    expect((await world.ask("GET", path, careful)).status).toBe(200);
    expect((await rename(careful, world.b.org)).body.error.code).toBe("org_suspended");
    await world.ask("PATCH", path, { body: { isSuspended: false, requiresMfa: false } });
  });

  it("makes an org of their own on plan standard, and is its owner; more is an operator's to give", async () => {
    const person = await world.signIn(null, "owner");
    const make = (body: object) => world.ask("POST", "/control/orgs", { ...person, body });
    expect((await make({ name: "Mine", plan: "professional" })).status).toBe(403);
    expect((await make({ name: "Mine", limits: { concurrency: 9 } })).status).toBe(403);
    const made = await make({ name: "Mine" });
    expect([made.status, made.body.plan]).toEqual([201, "standard"]);
    expect((await rename(person, made.body.id)).status).toBe(200);
    const grown = await world.ask("PATCH", `/control/orgs/${made.body.id}`, {
      ...person,
      body: { plan: "professional" },
    });
    expect(grown.status).toBe(403);
    world.publisher.fails = () => true;
    expect((await make({ name: "Lost" })).status).toBe(503);
    world.publisher.fails = () => false;
    expect(await world.select("SELECT * FROM members WHERE user = ?", person.user)).toHaveLength(1);
  });

  it("who may only do so to their own, makes, sees and changes keys of theirs alone", async () => {
    const developer = await world.signIn(world.a.org, "developer");
    const keys = `/control/orgs/${world.a.org}/keys`;
    const mine = (await world.ask("POST", keys, { ...developer, body: { name: "mine" } })).body;
    expect(mine.owner).toBe(developer.user);
    const listed = (await world.ask("GET", keys, developer)).body.keys;
    expect(listed.map(({ id }: { id: string }) => id)).toEqual([mine.id]);
    for (const [method, path, body] of [
      ["GET", "", undefined],
      ["PATCH", "", { name: "x" }],
      ["POST", "/rotate", { overlapSeconds: 0 }],
      ["POST", "/revoke", {}],
    ] as const) {
      const ask = (key: string) => world.ask(method, `${keys}/${key}${path}`, { ...developer, body });
      expect([path, (await ask(world.a.keyId)).text]).toEqual([path, (await ask("key_0000000000000000")).text]);
      expect((await ask(mine.id)).status).toBeLessThan(300);
    }
    const admin = await world.ask("POST", keys, { ...developer, body: { name: "a", kind: "admin" } });
    expect(admin.status).toBe(403);
    const owner = await world.signIn(world.a.org, "owner");
    expect((await world.ask("POST", keys, { ...owner, body: { name: "a", kind: "admin" } })).status).toBe(201);
  });

  it("who is an operator reaches every org, and is named as one in its log", async () => {
    const operator = await world.signIn(null, "owner", { isOperator: true, name: "Op" });
    await rename(operator);
    const [entry] = (await world.ask("GET", `/control/orgs/${world.a.org}/audit?limit=1`, operator)).body.entries;
    expect(entry.actor).toMatchObject({ kind: "operator", id: operator.user, name: "Op" });
  });

  it("who is an operator needs a second factor to be one, where the house asks for it", async () => {
    world.control.requiresOperatorMfa = true;
    const held = await world.signIn(world.b.org, "viewer", { isOperator: true });
    const proven = await world.signIn(null, "viewer", { isOperator: true, hasSecondFactor: true });
    for (const [method, path, body] of [
      ["GET", `/control/orgs/${world.a.org}`],
      ["GET", "/control/orgs/org_0000000000"],
      ["GET", "/control/operators"],
      ["PATCH", `/control/orgs/${world.b.org}`, { name: "Org B" }],
    ] as const) {
      const refused = await world.ask(method, path, { ...held, body });
      expect([path, refused.status, refused.body.error.code]).toEqual([path, 403, "second_factor_required"]);
    }
    expect((await world.ask("GET", "/control/whoami", held)).body.isOperator).toBe(false);
    expect((await world.ask("GET", `/control/orgs/${world.b.org}`, held)).status).toBe(200);
    const listed = (await world.ask("GET", "/control/orgs", held)).body.orgs;
    expect(listed.map(({ id }: { id: string }) => id)).toEqual([world.b.org]);
    expect((await rename(proven)).status).toBe(200);
    expect((await world.ask("GET", "/control/operators", { key: world.operator.key })).status).toBe(200);
    world.control.requiresOperatorMfa = false;
    expect((await rename(held)).status).toBe(200);
  });

  it("who is an operator needs a second factor in an org that asks for one, too; a key does not", async () => {
    const operator = await world.signIn(null, "viewer", { isOperator: true });
    const path = `/control/orgs/${world.b.org}`;
    await world.ask("PATCH", path, { body: { requiresMfa: true } });
    const refused = await world.ask("GET", path, operator);
    expect([refused.status, refused.body.error.message]).toEqual([403, expect.stringMatching(/second factor/)]);
    const proven = await world.signIn(null, "viewer", { isOperator: true, hasSecondFactor: true });
    expect((await world.ask("GET", path, proven)).status).toBe(200);
    expect((await world.ask("PATCH", path, { body: { requiresMfa: false } })).status).toBe(200);
  });

  it("is neither in nor out when sessions cannot be read", async () => {
    const owner = await world.signIn(world.a.org, "owner");
    const { sessions } = world.control;
    world.control.sessions = { find: () => Promise.reject(new Error("gone")) };
    expect((await rename(owner)).body.error.code).toBe("store_unavailable");
    world.control.sessions = null;
    expect((await rename(owner)).status).toBe(401);
    world.control.sessions = sessions;
  });
});
