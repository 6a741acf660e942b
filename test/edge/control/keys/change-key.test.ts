import { afterAll, beforeAll, expect, it } from "vitest";
import { badSessions, openWorld, type Answer, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const change = (body: unknown, asking: { key?: string | null; id?: string; org?: string } = {}): Promise<Answer> => {
  const { key = world.a.admin, id = world.a.keyId, org = world.a.org } = asking;
  return world.ask("PATCH", `/control/orgs/${org}/keys/${id}`, { key, body });
};
const makeKey = async (body: object = {}): Promise<string> =>
  (await world.ask("POST", `/control/orgs/${world.a.org}/keys`, { body: { name: "changed", ...body } })).body.id;

it("sets what is named and leaves the rest, and the data plane has it when it answers", async () => {
  const id = await makeKey({ endpoints: ["models"], limits: { requestsPerDay: 5, concurrency: 2 } });
  const { status, body } = await change(
    {
      name: "renamed",
      models: ["default", "qwen-chat"],
      ipCidrs: ["203.0.113.0/24"],
      limits: { requestsPerDay: 7, tokensPerDay: 100 },
      expiresAt: "2999-01-01T00:00:00Z",
    },
    { id },
  );
  expect(status).toBe(200);
  expect(body).toMatchObject({
    id,
    name: "renamed",
    endpoints: ["models"],
    models: ["qwen-chat"],
    ipCidrs: ["203.0.113.0/24"],
    limits: { requestsPerDay: 7, concurrency: 2, tokensPerDay: 100 },
    expiresAt: "2999-01-01T00:00:00.000Z",
    version: 2,
  });
  expect(world.publisher.key(id)).toMatchObject({ models: ["qwen-chat"], limits: body.limits, version: 2 });
  const freed = await change({ endpoints: null, models: null, ipCidrs: null, expiresAt: null }, { id });
  expect(freed.body).toMatchObject({ endpoints: null, models: null, ipCidrs: null, expiresAt: null, version: 3 });
  expect(freed.body.limits).toEqual(body.limits);
});

it("sets windows of a key that had none, takes one off, and takes all off", async () => {
  const id = await makeKey();
  expect((await change({ limits: { requestsPerDay: 2 } }, { id })).body.limits).toEqual({ requestsPerDay: 2 });
  const off = await change({ limits: { requestsPerDay: null, concurrency: 1 } }, { id });
  expect(off.body.limits).toEqual({ requestsPerDay: null, concurrency: 1 });
  expect((await change({ limits: null, name: "free" }, { id })).body).toMatchObject({ limits: null, name: "free" });
});

it("refuses a body that is empty or names what may not be set", async () => {
  for (const [body, param] of [
    [{}, null],
    [{ models: ["nope"] }, "models[0]"],
    [{ models: [] }, "models"],
    [{ ipCidrs: ["203.0.113.1/24"] }, "ipCidrs[0]"],
    [{ expiresAt: 1 }, "expiresAt"],
    [{ limits: { requestsPerDay: -1 } }, "limits.requestsPerDay"],
    [{ limits: { requestsPerYear: 1 } }, "limits.requestsPerYear"],
    [{ kind: "admin" }, "kind"],
  ] as const) {
    const answer = await change(body);
    expect([body, answer.status, answer.body.error?.param]).toEqual([body, 400, param]);
  }
});

it("lets a key that has ended stay ended", async () => {
  const id = await makeKey();
  await world.ask("POST", `/control/orgs/${world.a.org}/keys/${id}/revoke`);
  expect((await change({ expiresAt: null }, { id })).body.error.code).toBe("conflict");
  const expiring = await makeKey({ expiresAt: Date.now() + 60_000 });
  world.clock.offsetMs = 60_000;
  expect((await change({ expiresAt: null }, { id: expiring })).body.error.code).toBe("conflict");
  world.clock.offsetMs = 0;
});

it("lets operators alone set admin keys, and gives those no scopes", async () => {
  expect((await change({ name: "x" }, { id: world.a.adminId })).body.error.code).toBe("insufficient_permissions");
  const asked = { id: world.a.adminId, key: world.operator.key };
  expect((await change({ name: "x" }, asked)).body).toMatchObject({ name: "x", limits: null });
  expect((await change({ limits: { concurrency: 1 } }, asked)).body.error.param).toBe("limits");
});

it("is hidden from another org, and refuses every credential that is no good", async () => {
  expect((await change({ name: "x" }, { key: world.b.admin })).body.error.code).toBe("not_found");
  const foreign = await change({ name: "x" }, { key: world.operator.key, org: world.b.org });
  expect(foreign.body.error.code).toBe("not_found");
  const refused = await badSessions(world, (key) => change({ name: "x" }, { key }));
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
});

it("says that the change is not in force when the ledger is out of reach, and heals by repeating", async () => {
  const id = await makeKey();
  world.publisher.fails = (record) => record.id === id;
  expect((await change({ limits: { concurrency: 1 } }, { id })).status).toBe(503);
  world.publisher.fails = () => false;
  expect((await change({ limits: { concurrency: 1 } }, { id })).status).toBe(200);
  expect(world.publisher.key(id).limits).toEqual({ concurrency: 1 });
});

it("asks anew whose a key is when another change came first", async () => {
  const developer = await world.signIn(world.a.org, "developer");
  const other = await world.signIn(world.a.org, "developer");
  const path = `/control/orgs/${world.a.org}/keys`;
  const { id } = (await world.ask("POST", path, { ...developer, body: { name: "handed over" } })).body;
  const { db } = world;
  let isFirst = true;
  world.control.db = {
    prepare: (sql) => db.prepare(sql),
    batch: async (statements) => {
      const wasFirst = isFirst;
      isFirst = false;
      if (wasFirst) expect((await change({ owner: other.user }, { id })).status).toBe(200);
      return db.batch(statements);
    },
  };
  const late = await world.ask("PATCH", `${path}/${id}`, { ...developer, body: { name: "still mine" } });
  world.control.db = db;
  expect([late.status, late.body.error?.code]).toEqual([404, "not_found"]);
  expect((await change({ name: "theirs" }, { id })).body).toMatchObject({ name: "theirs", owner: other.user });
});
