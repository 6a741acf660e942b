import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { keysInForceMax } from "#edge/limits.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());
beforeEach(() => {
  world.clock.offsetMs = 0;
  world.publisher.fails = () => false;
});

const keys = () => `/control/orgs/${world.a.org}/keys`;
const create = async (body: object = {}) => (await world.ask("POST", keys(), { body: { name: "x", ...body } })).body;
const show = async (id: string) => (await world.ask("GET", `${keys()}/${id}`)).body;
const rotate = (id: string, body: unknown, key?: string) =>
  world.ask("POST", `${keys()}/${id}/rotate`, { body, ...(key && { key }) });

it("makes a key with the same name and scopes; the old one ends after the overlap, to the millisecond", async () => {
  const old = await create({
    endpoints: ["models"],
    models: ["embedder"],
    ipCidrs: ["::1"],
    limits: { concurrency: 1 },
  });
  const { status, body } = await rotate(old.id, { overlapSeconds: 60 }, world.a.admin);
  expect(status).toBe(201);
  const { id: _id, hint: _hint, secret: _secret, createdAt: _created, replaces: _replaces, ...scopes } = old;
  expect(body).toMatchObject({ ...scopes, replaces: old.id, version: 1 });
  expect(body.secret).not.toBe(old.secret);
  const endsAtMs = Date.parse(body.createdAt) + 60_000;
  expect(body.replaced).toMatchObject({
    id: old.id,
    state: "active",
    expiresAt: new Date(endsAtMs).toISOString(),
    version: 2,
  });
  expect(world.publisher.key(old.id)).toMatchObject({ isRevoked: false, expiresAtMs: endsAtMs, version: 2 });
  expect(world.publisher.key(body.id)).toMatchObject({
    isRevoked: false,
    expiresAtMs: null,
    models: ["embedder"],
    limits: { concurrency: 1 },
  });
  const published = world.publisher.published.map(({ id }) => id);
  expect(published.lastIndexOf(body.id)).toBeLessThan(published.lastIndexOf(old.id));
});

it("revokes the old key at once without an overlap, and keeps it 72 hours at most", async () => {
  const old = await create();
  const { body } = await rotate(old.id, { overlapSeconds: 0 });
  expect(body.replaced).toMatchObject({ state: "revoked", expiresAt: null });
  expect(world.publisher.key(old.id).isRevoked).toBe(true);
  const longest = await rotate(body.id, { overlapSeconds: 259_200 });
  expect(Date.parse(longest.body.replaced.expiresAt) - Date.parse(longest.body.createdAt)).toBe(72 * 3_600_000);
});

it("counts every key of a chain in the windows of its first", async () => {
  const first = await create({ limits: { requestsPerDay: 2 } });
  const second = (await rotate(first.id, { overlapSeconds: 60 })).body;
  const third = (await rotate(second.id, { overlapSeconds: 0 })).body;
  expect(world.publisher.key(first.id)).not.toHaveProperty("lineage");
  for (const { id } of [second, third]) expect(world.publisher.key(id)).toMatchObject({ lineage: first.id });
  await world.ask("PATCH", `${keys()}/${third.id}`, { body: { limits: { requestsPerDay: 5 } } });
  expect(world.publisher.key(third.id)).toMatchObject({ lineage: first.id, limits: { requestsPerDay: 5 } });
});

it("leaves the successor in the project of the key that it replaces", async () => {
  const old = await create();
  const project = `proj_${"p".repeat(22)}`;
  await world.select("INSERT INTO projects (id, org, name, created_at_ms) VALUES (?, ?, 'p', 0)", project, world.a.org);
  await world.select("UPDATE keys SET project = ? WHERE id = ?", project, old.id);
  const { body } = await rotate(old.id, { overlapSeconds: 60 });
  for (const id of [old.id, body.id]) expect(world.publisher.key(id)).toMatchObject({ project });
});

it("counts the successor of a key that was rotated before lineages were kept in that key's windows", async () => {
  const old = await create();
  const before = (await rotate(old.id, { overlapSeconds: 0 })).body;
  await world.select("UPDATE keys SET lineage = NULL WHERE id = ?", before.id);
  const after = (await rotate(before.id, { overlapSeconds: 0 })).body;
  expect(world.publisher.key(after.id).lineage).toBe(before.id);
});

it("refuses each field's bad values with the field's path", async () => {
  const old = await create();
  const bad: [unknown, string][] = [
    [{}, "overlapSeconds"],
    ...[259_201, -1, 0.5, "60", null, true, 1e300].map((overlapSeconds): [unknown, string] => [
      { overlapSeconds },
      "overlapSeconds",
    ]),
    ...["soon", 5, "2020-01-01T00:00:00Z"].map((expiresAt): [unknown, string] => [
      { overlapSeconds: 1, expiresAt },
      "expiresAt",
    ]),
    [{ overlapSeconds: 1, name: "y" }, "name"],
  ];
  for (const [body, param] of bad) {
    const answer = await rotate(old.id, body);
    expect([body, answer.status, answer.body.error?.param]).toEqual([body, 400, param]);
  }
  expect(await show(old.id)).toMatchObject({ version: 1, expiresAt: null });
});

it("never lets a key live longer than it would have", async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  const old = await create({ expiresAt });
  const { body } = await rotate(old.id, { overlapSeconds: 3_600 });
  expect(body.replaced.expiresAt).toBe(expiresAt);
  expect(body.expiresAt).toBe(expiresAt);
});

it("gives the new key an expiry of its own when one is given", async () => {
  const old = await create({ expiresAt: Date.now() + 60_000 });
  const first = await rotate(old.id, { overlapSeconds: 1, expiresAt: "2100-01-01T00:00:00Z" });
  expect(first.body.expiresAt).toBe("2100-01-01T00:00:00.000Z");
});

it("never makes a key for ever of one that expires", async () => {
  const old = await create({ expiresAt: Date.now() + 60_000 });
  const answer = await rotate(old.id, { overlapSeconds: 1, expiresAt: null });
  expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([400, "invalid_value", "expiresAt"]);
  expect(await show(old.id)).toMatchObject({ version: 1 });
  const lasting = await create();
  expect((await rotate(lasting.id, { overlapSeconds: 1, expiresAt: null })).body.expiresAt).toBeNull();
});

it("refuses a key that is revoked, expired, or rotated already", async () => {
  const rotated = await create();
  const successor = (await rotate(rotated.id, { overlapSeconds: 60 })).body;
  expect((await rotate(rotated.id, { overlapSeconds: 60 })).body.error).toMatchObject({ code: "conflict" });
  await world.ask("POST", `${keys()}/${successor.id}/revoke`);
  expect((await rotate(successor.id, { overlapSeconds: 60 })).status).toBe(409);
  expect((await rotate(rotated.id, { overlapSeconds: 60 })).status).toBe(201);
  const expiring = await create({ expiresAt: Date.now() + 10_000 });
  world.clock.offsetMs = 20_000;
  expect((await rotate(expiring.id, { overlapSeconds: 60 })).status).toBe(409);
});

it("makes one successor however many ask at a time", async () => {
  const old = await create();
  const answers = await Promise.all(Array.from({ length: 8 }, () => rotate(old.id, { overlapSeconds: 60 })));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  expect((await world.select("SELECT id FROM keys WHERE replaces = ?", old.id)).length).toBe(1);
});

it("leaves the old key as it was when the new one cannot be brought into force", async () => {
  const old = await create();
  world.publisher.fails = ({ id }) => id !== old.id;
  const answer = await rotate(old.id, { overlapSeconds: 0 });
  expect([answer.status, answer.body.error.code]).toEqual([503, "quota_unavailable"]);
  expect(answer.text).not.toContain("sk-pen");
  expect(await show(old.id)).toMatchObject({ state: "active", version: 1 });
  world.publisher.fails = () => false;
  expect((await rotate(old.id, { overlapSeconds: 0 })).status).toBe(201);
});

it("gives the old key its life back when its end cannot be brought into force, and heals by repeating", async () => {
  for (const overlapSeconds of [0, 60]) {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const old = await create({ expiresAt });
    world.publisher.fails = ({ id, version }) => id === old.id && version === 2;
    expect((await rotate(old.id, { overlapSeconds })).status).toBe(503);
    world.publisher.fails = () => false;
    await Promise.all(world.pending);
    expect(await show(old.id)).toMatchObject({ state: "active", expiresAt, version: 3 });
    expect(world.publisher.key(old.id)).toMatchObject({ isRevoked: false, version: 3 });
    const [fresh] = await world.select("SELECT id FROM keys WHERE replaces = ?", old.id);
    expect(await show(fresh?.["id"])).toMatchObject({ state: "revoked" });
    expect(world.publisher.key(fresh?.["id"]).isRevoked).toBe(true);
    expect((await rotate(old.id, { overlapSeconds })).body.replaced.version).toBe(4);
  }
});

it("does not undo a revoke that was answered in between, whoever came first", async () => {
  for (const overlapSeconds of [0, 60]) {
    for (const isRevokedFirst of [true, false]) {
      const old = await create();
      const { publisher } = world;
      const publish = publisher.publish.bind(publisher);
      let isBroken = false;
      publisher.publish = async (record) => {
        // The rotation publishes the new key, then the old one's end. Another admin revokes before the one or the
        // other; the end then fails.
        const isFirst = record.id !== old.id && !isBroken;
        if (isFirst && !isRevokedFirst) return publish(record);
        if (isBroken) return publish(record);
        isBroken = true;
        expect((await world.ask("POST", `${keys()}/${old.id}/revoke`)).status).toBe(200);
        throw new Error("ledger out of reach");
      };
      expect((await rotate(old.id, { overlapSeconds })).status).toBe(503);
      publisher.publish = publish;
      await Promise.all(world.pending);
      expect([overlapSeconds, isRevokedFirst, (await show(old.id)).state]).toEqual([
        overlapSeconds,
        isRevokedFirst,
        "revoked",
      ]);
      expect(publisher.key(old.id).isRevoked).toBe(true);
    }
  }
});

it("leaves a key that was revoked while the new one came into force", async () => {
  const old = await create();
  const { publisher } = world;
  const publish = publisher.publish.bind(publisher);
  publisher.publish = async (record) => {
    publisher.publish = publish;
    await world.ask("POST", `${keys()}/${old.id}/revoke`);
    return publish(record);
  };
  const answer = await rotate(old.id, { overlapSeconds: 0 });
  expect(answer.status).toBe(201);
  expect(await show(old.id)).toMatchObject({ state: "revoked", version: 2 });
});

it("counts both keys among those that an org may have in force", async () => {
  const org = await world.openOrg("full");
  const path = `/control/orgs/${org.org}/keys`;
  await world.fillKeys(org.org, keysInForceMax - 1);
  const body = { overlapSeconds: 60 };
  const fits = await world.ask("POST", `${path}/${org.keyId}/rotate`, { body });
  expect(fits.status).toBe(201);
  for (const overlapSeconds of [0, 60]) {
    const full = await world.ask("POST", `${path}/${fits.body.id}/rotate`, { body: { overlapSeconds } });
    expect([full.status, full.body.error.code]).toEqual([409, "conflict"]);
    expect(full.body.error.message).toContain(`${keysInForceMax} keys in force`);
  }
  await world.ask("POST", `${path}/${org.keyId}/revoke`);
  expect((await world.ask("POST", `${path}/${fits.body.id}/rotate`, { body })).status).toBe(201);
});

it("rotates admin keys for operators only, with their role and without a ledger", async () => {
  expect((await rotate(world.a.adminId, { overlapSeconds: 60 }, world.a.admin)).status).toBe(403);
  const { body } = await rotate(world.a.adminId, { overlapSeconds: 60 });
  expect(body).toMatchObject({ kind: "admin", role: "admin" });
  expect(world.publisher.records.has(body.id)).toBe(false);
  const list = (key: string) => world.ask("GET", "/control/orgs", { key });
  expect((await list(world.a.admin)).status).toBe(200);
  world.clock.offsetMs = 61_000;
  expect((await list(world.a.admin)).status).toBe(401);
  expect((await list(body.secret)).status).toBe(200);
});

it("shows the old key as it is when somebody revokes it on the way", async () => {
  const old = await create();
  const { publish } = world.publisher;
  world.publisher.publish = async (record) => {
    world.publisher.publish = publish;
    await world.ask("POST", `${keys()}/${old.id}/revoke`, { body: {} });
    return publish.call(world.publisher, record);
  };
  const { status, body } = await rotate(old.id, { overlapSeconds: 60 });
  expect([status, body.replaced.state, body.replaced.revokedAt]).toEqual([201, "revoked", expect.any(String)]);
});
