import { afterAll, beforeAll, expect, it } from "vitest";
import { Endpoint } from "#edge/agreements/records/model.ts";
import { windowNames } from "#edge/agreements/records/windows.ts";
import { computeDigests } from "#edge/agreements/tokens/key-format.ts";
import { readCidr } from "#edge/agreements/ip.ts";
import { findKey, toKeyRecord } from "#edge/control/keys/queries.ts";
import { keysInForceMax } from "#edge/limits.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const create = (body: unknown, key = world.a.admin, org = world.a.org) =>
  world.ask("POST", `/control/orgs/${org}/keys`, { body, key });
const count = async () => (await world.select("SELECT count(*) AS n FROM keys"))[0]?.["n"];

it("makes a key that may do anything its org may, and answers when the ledger knows it", async () => {
  const { status, body } = await create({ name: "plain" });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    org: world.a.org,
    kind: "inference",
    role: null,
    state: "active",
    endpoints: null,
    models: null,
    ipCidrs: null,
    limits: null,
    expiresAt: null,
    replaces: null,
    lastUsedAt: null,
    version: 1,
  });
  expect(body.secret).toMatch(/^sk-pen-[0-9A-Za-z]{16}-/);
  expect(body.hint).toBe(`sk-pen-${body.id.slice(4)}…${body.secret.slice(-4)}`);
  const [{ digest } = { digest: "" }] = await computeDigests(body.secret, world.keyring);
  expect(world.publisher.key(body.id)).toEqual({
    kind: "key",
    id: body.id,
    org: world.a.org,
    digest,
    pepperKid: "p1",
    isRevoked: false,
    expiresAtMs: null,
    endpoints: null,
    models: null,
    ipRanges: null,
    limits: null,
    version: 1,
  });
});

it("stores scopes as the data plane reads them: aliases as model ids, ranges as ranges, nothing twice", async () => {
  const expiresAtMs = Date.now() + 60_000;
  const { body } = await create({
    name: "narrow",
    endpoints: ["chat.completions", "models", "models"],
    models: ["gpt-4o", "qwen-chat", "embedder"],
    ipCidrs: ["203.0.113.0/24", "2001:db8::/32", "203.0.113.0/24"],
    expiresAt: new Date(expiresAtMs).toISOString(),
    limits: { requestsPerMinute: 5, tokensPerDay: null },
  });
  expect(body).toMatchObject({
    endpoints: ["chat.completions", "models"],
    models: ["qwen-chat", "embedder"],
    ipCidrs: ["203.0.113.0/24", "2001:db8::/32"],
  });
  expect(body.expiresAt).toBe(new Date(expiresAtMs).toISOString());
  expect(world.publisher.key(body.id)).toMatchObject({
    endpoints: ["chat.completions", "models"],
    models: ["qwen-chat", "embedder"],
    ipRanges: [readCidr("203.0.113.0/24"), readCidr("2001:db8::/32")],
    limits: { requestsPerMinute: 5, tokensPerDay: null },
    expiresAtMs,
  });
});

it("takes null for any scope, and a moment as ms or with an offset", async () => {
  expect(
    (await create({ name: "x", endpoints: null, models: null, ipCidrs: null, limits: null, expiresAt: null })).status,
  ).toBe(201);
  expect((await create({ name: "x", expiresAt: 4_102_444_800_000 })).body.expiresAt).toBe("2100-01-01T00:00:00.000Z");
  expect((await create({ name: "x", expiresAt: "2100-01-01T02:00:00+02:00" })).body.expiresAt).toBe(
    "2100-01-01T00:00:00.000Z",
  );
});

it("refuses each field's bad values with the field's path", async () => {
  const before = await count();
  const bad: [object, string][] = [
    [{}, "name"],
    [{ name: "\u0007" }, "name"],
    [{ name: "🦑".repeat(101) }, "name"],
    [{ name: "x", kind: "operator" }, "kind"],
    [{ name: "x", endpoints: [] }, "endpoints"],
    [{ name: "x", endpoints: "models" }, "endpoints"],
    [{ name: "x", endpoints: ["models", "nothing"] }, "endpoints[1]"],
    [{ name: "x", models: [] }, "models"],
    [{ name: "x", models: ["qwen-chat", "nope"] }, "models[1]"],
    [{ name: "x", models: [""] }, "models[0]"],
    [{ name: "x", models: ["constructor"] }, "models[0]"],
    [{ name: "x", models: Array(101).fill("qwen-chat") }, "models"],
    [{ name: "x", ipCidrs: [] }, "ipCidrs"],
    ...[
      "",
      "garbage",
      "1.2.3.4/33",
      "1.2.3.4/24",
      "01.2.3.4",
      "1.2.3.4/-1",
      "1.2.3.4/8/8",
      "::/129",
      "::1/64",
      "1.2.3.4/ 8",
      "0x7f.1",
      "١.2.3.4",
    ].map((cidr): [object, string] => [{ name: "x", ipCidrs: ["::1", cidr] }, "ipCidrs[1]"]),
    [{ name: "x", ipCidrs: [1] }, "ipCidrs[0]"],
    ...[
      "tomorrow",
      "",
      "2100-01-01",
      "2100-01-01T00:00:00",
      "4102444800000",
      -1,
      1.5,
      1e300,
      true,
      Date.now() - 1,
      "2020-01-01T00:00:00Z",
      0,
    ].map((expiresAt): [object, string] => [{ name: "x", expiresAt }, "expiresAt"]),
    [{ name: "x", limits: { requestsPerMinute: "5" } }, "limits.requestsPerMinute"],
    [{ name: "x", limits: { requestsPerMinute: -5 } }, "limits.requestsPerMinute"],
    [{ name: "x", limits: { perSecond: 5 } }, "limits.perSecond"],
  ];
  for (const [body, param] of bad) {
    const answer = await create(body);
    expect([body, answer.status, answer.body.error?.code, answer.body.error?.param]).toEqual([
      body,
      400,
      "invalid_value",
      param,
    ]);
  }
  expect(await count()).toBe(before);
});

it("refuses an expiry at this very millisecond", async () => {
  const frozen = Date.now() + 5_000;
  const now = Date.now;
  Date.now = () => frozen;
  try {
    expect((await create({ name: "x", expiresAt: frozen })).body.error.param).toBe("expiresAt");
    expect((await create({ name: "x", expiresAt: frozen + 1 })).status).toBe(201);
  } finally {
    Date.now = now;
  }
});

it("gives admin keys to operators only, without scopes, and never to a ledger", async () => {
  const answer = await create({ name: "x", kind: "admin" });
  expect([answer.status, answer.body.error.code]).toEqual([403, "insufficient_permissions"]);
  for (const [name, value] of Object.entries({
    endpoints: ["models"],
    models: ["embedder"],
    ipCidrs: ["::/0"],
    limits: {},
  })) {
    expect((await create({ name: "x", kind: "admin", [name]: value }, world.operator.key)).body.error.param).toBe(name);
  }
  const made = await create({ name: "x", kind: "admin" }, world.operator.key);
  expect(made.body).toMatchObject({ kind: "admin", role: "admin" });
  expect(made.body.secret).toMatch(/^sk-pen-admin-/);
  expect(world.publisher.records.has(made.body.id)).toBe(false);
  const colleague = await create({ name: "y", kind: "admin" }, world.operator.key, world.operator.org);
  expect(colleague.body.role).toBe("operator");
  expect((await world.ask("GET", "/control/orgs", { key: colleague.body.secret })).body.orgs.length).toBe(3);
});

it("shows a key's text in one answer and keeps it nowhere", async () => {
  const { body } = await create({ name: "canary", models: ["embedder"] });
  await world.ask("POST", `/control/orgs/${world.a.org}/keys/${body.id}/rotate`, { body: { overlapSeconds: 60 } });
  const secretPart = body.secret.split("-").at(-1).slice(0, 33);
  const answers = await Promise.all(
    [`/keys/${body.id}`, "/keys", "/usage", ""].map((path) => world.ask("GET", `/control/orgs/${world.a.org}${path}`)),
  );
  const revoked = await world.ask("POST", `/control/orgs/${world.a.org}/keys/${body.id}/revoke`);
  for (const { text } of [...answers, revoked]) {
    expect(text).not.toContain(secretPart);
    expect(text).not.toContain(world.publisher.key(body.id).digest);
  }
  const tables = await world.select(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('orgs', 'keys', 'usage')",
  );
  expect(tables.length).toBe(3);
  for (const { name } of tables)
    expect(JSON.stringify(await world.select(`SELECT * FROM ${name}`))).not.toContain(secretPart);
  expect(JSON.stringify([...world.logs, ...world.publisher.published])).not.toContain(secretPart);
});

it("leaves the row revoked and shows no text when the ledger is out of reach", async () => {
  world.publisher.fails = () => true;
  const answer = await create({ name: "late" });
  world.publisher.fails = () => false;
  expect([answer.status, answer.body.error.code]).toEqual([503, "quota_unavailable"]);
  expect(answer.text).not.toContain("sk-pen");
  const rows = await world.select("SELECT revoked_at_ms, version FROM keys WHERE name = 'late'");
  expect(rows).toEqual([{ revoked_at_ms: expect.any(Number), version: 2 }]);
  expect((await create({ name: "late" })).status).toBe(201);
});

it("makes as many keys as an org may have in force, however many ask at a time, and ended ones make room", async () => {
  const { org, keyId, adminId } = await world.openOrg("full");
  await world.fillKeys(org, keysInForceMax - 3);
  const ask = () => create({ name: "x", expiresAt: Date.now() + 3_600_000 }, world.operator.key, org);
  const answers = await Promise.all(Array.from({ length: 12 }, ask));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
  for (const { status, body } of answers.filter(({ status }) => status !== 201)) {
    expect([status, body.error.code]).toEqual([409, "conflict"]);
    expect(body.error.message).toContain(`${keysInForceMax} keys in force`);
  }
  expect(await world.countKeys(org)).toBe(keysInForceMax);
  expect((await create({ name: "x", kind: "admin" }, world.operator.key, org)).status).toBe(409);
  for (const id of [keyId, adminId]) await world.ask("POST", `/control/orgs/${org}/keys/${id}/revoke`);
  expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual([201, 201, 409]);
  world.clock.offsetMs = 7_200_000;
  expect((await create({ name: "x" }, world.operator.key, org)).status).toBe(201);
  world.clock.offsetMs = 0;
  // Another org is not counted with it.
  expect((await create({ name: "x" })).status).toBe(201);
});

it("keeps a key's record small, whatever its scopes", async () => {
  const ipCidrs = Array.from(
    { length: 100 },
    (_, at) => `2001:db8:ffff:ffff:ffff:ffff:ffff:${(0x1000 + at).toString(16)}/128`,
  );
  const limits = Object.fromEntries(windowNames.map((window) => [window, Number.MAX_SAFE_INTEGER]));
  const scopes = { endpoints: Endpoint.options, models: ["qwen-chat", "embedder"], ipCidrs, limits };
  const { status, body } = await create({ name: "😀".repeat(100), ...scopes });
  expect(status).toBe(201);
  const row = await findKey(world.db, world.a.org, body.id);
  expect(JSON.stringify(row && toKeyRecord(row)).length).toBeLessThan(12_000);
});

it("gives no admin key a later end than the key has that makes it", async () => {
  const path = `/control/orgs/${world.operator.org}/keys`;
  const endsAtMs = Date.now() + 60_000;
  const { body: maker } = await world.ask("POST", path, {
    body: { name: "guest", kind: "admin", expiresAt: endsAtMs },
  });
  const by = (method: string, rest: string, body: object) =>
    world.ask(method, path + rest, { key: maker.secret, body });
  const late = [{}, { expiresAt: null }, { expiresAt: endsAtMs + 1 }];
  const tried = [
    ...late.map((end) => by("POST", "", { name: "x", kind: "admin", ...end })),
    ...late.slice(1).map((end) => by("POST", `/${maker.id}/rotate`, { overlapSeconds: 0, ...end })),
    ...late.slice(1).map((end) => by("PATCH", `/${maker.id}`, end)),
    // A key that never ends, rotated, would be one in the hands of whoever rotates it.
    by("POST", `/${world.operator.keyId}/rotate`, { overlapSeconds: 60 }),
  ];
  for (const { status, body } of await Promise.all(tried))
    expect([status, body.error?.code, body.error?.param]).toEqual([400, "invalid_value", "expiresAt"]);
  expect((await by("POST", "", { name: "x", kind: "admin", expiresAt: endsAtMs })).status).toBe(201);
  expect((await by("POST", "", { name: "x" })).status).toBe(201);
  expect((await by("POST", `/${maker.id}/rotate`, { overlapSeconds: 0 })).body.expiresAt).toBe(maker.expiresAt);
});

it("leaves room in the house's own org for the key that the bootstrap makes", async () => {
  const { org, key } = world.operator;
  await world.fillKeys(org, keysInForceMax - 1);
  expect((await create({ name: "x" }, key, org)).status).toBe(409);
  const colleague = await create({ name: "x", kind: "admin" }, key, org);
  expect(colleague.status).toBe(201);
  expect((await create({ name: "x", kind: "admin" }, key, org)).status).toBe(409);
});
