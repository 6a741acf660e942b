import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorld, type World } from "#test/edge/control/http/world.ts";
import { readTold, spend } from "./budgets.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const create = (org: { org: string; admin: string }, body: object, key: string | null = org.admin) =>
  world.ask("POST", `/control/orgs/${org.org}/budgets`, { key, body });

describe("a budget", () => {
  it("is told of at each share once, whatever is sent again", async () => {
    const org = await world.openOrg("Told");
    const { status, body } = await create(org, { amountMicros: 1_000 });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      project: null,
      key: null,
      amountMicros: 1_000,
      sharesPercent: [50, 80, 100],
      isStop: false,
      spentMicros: 0,
    });
    const told = async () => (await readTold(world, org.org)).map(({ sharePercent }) => sharePercent);
    await spend(world, org.org, org.keyId, 499);
    expect(await told()).toEqual([]);
    await spend(world, org.org, org.keyId, 1);
    expect(await told()).toEqual([50]);
    await spend(world, org.org, org.keyId, 600);
    expect((await told()).toSorted((one, other) => one - other)).toEqual([50, 80, 100]);
    await spend(world, org.org, org.keyId, 5_000);
    expect(await told()).toHaveLength(3);
    const [first] = await readTold(world, org.org);
    expect(first).toEqual({
      budget: body.id,
      project: null,
      key: null,
      month: new Date().toISOString().slice(0, 7),
      sharePercent: 50,
      amountMicros: 1_000,
      spentMicros: 500,
      isStop: false,
    });
    expect(await world.select("SELECT id FROM events WHERE org = ? AND id NOT GLOB 'evt_*'", org.org)).toEqual([]);
  });

  it("that is made in the midst of a month knows what was spent, and tells it", async () => {
    const org = await world.openOrg("Late");
    await spend(world, org.org, org.keyId, 850);
    await spend(world, org.org, org.keyId, 9_999, { admittedAtMs: Date.now() - 40 * 86_400_000 });
    const { body } = await create(org, { amountMicros: 1_000, sharesPercent: [80, 90] });
    expect(body.spentMicros).toBe(850);
    expect((await readTold(world, org.org)).map(({ sharePercent }) => sharePercent)).toEqual([80]);
  });

  it("of a key counts its successors' calls and no other's; of a project its keys'", async () => {
    const org = await world.openOrg("Parts");
    const project = `proj_${"1".repeat(22)}`;
    await world.select("INSERT INTO projects (id, org, name, created_at_ms) VALUES (?, ?, 'P', 1)", project, org.org);
    await world.select("UPDATE keys SET project = ? WHERE id = ?", project, org.keyId);
    const ofKey = (await create(org, { key: org.keyId, amountMicros: 1_000 })).body;
    const ofProject = (await create(org, { project, amountMicros: 1_000 })).body;
    const rotated = await world.ask("POST", `/control/orgs/${org.org}/keys/${org.keyId}/rotate`, {
      key: org.admin,
      body: { overlapSeconds: 60 },
    });
    const successor = rotated.body.id ?? rotated.body.key?.id;
    expect((await create(org, { key: successor, amountMicros: 5 })).body.error.code).toBe("conflict");
    await spend(world, org.org, org.keyId, 10);
    await spend(world, org.org, successor, 20);
    await spend(world, org.org, org.adminId, 40);
    const { body } = await world.ask("GET", `/control/orgs/${org.org}/budgets`, { key: org.admin });
    expect(body.budgets.map(({ id, spentMicros }: { id: string; spentMicros: number }) => [id, spentMicros])).toEqual([
      [ofKey.id, 30],
      [ofProject.id, 30],
    ]);
  });

  it("that stops narrows the money of its org's month in the ledger, until it is deleted", async () => {
    const org = await world.openOrg("Stop");
    const { body } = await create(org, { amountMicros: 7_000, isStop: true });
    expect(world.publisher.org(org.org).limits.costMicrosPerMonth).toBe(7_000);
    const path = `/control/orgs/${org.org}/budgets/${body.id}`;
    await world.ask("PATCH", path, { key: org.admin, body: { amountMicros: 9_000 } });
    expect(world.publisher.org(org.org).limits.costMicrosPerMonth).toBe(9_000);
    expect((await world.ask("DELETE", path, { key: org.admin })).status).toBe(200);
    expect(world.publisher.org(org.org).limits.costMicrosPerMonth).toBeNull();
  });

  it("of a key that stops is in its record, and in its successor's", async () => {
    const org = await world.openOrg("StopKey");
    await create(org, { key: org.keyId, amountMicros: 70, isStop: true });
    expect(world.publisher.key(org.keyId).limits).toEqual({ costMicrosPerMonth: 70 });
    const rotated = await world.ask("POST", `/control/orgs/${org.org}/keys/${org.keyId}/rotate`, {
      key: org.admin,
      body: { overlapSeconds: 60 },
    });
    const successor = rotated.body.id ?? rotated.body.key?.id;
    expect(world.publisher.key(successor).limits).toEqual({ costMicrosPerMonth: 70 });
  });

  it("of a project that stops is in its record, whatever limits that has, until it is deleted", async () => {
    const org = await world.openOrg("StopProject");
    const ask = (method: string, path: string, body?: object) =>
      world.ask(method, `/control/orgs/${org.org}${path}`, { key: org.admin, body });
    const project = (await ask("POST", "/projects", { name: "p", limits: { requestsPerDay: 9 } })).body.id;
    const { body } = await create(org, { project, amountMicros: 70, isStop: true });
    const limits = () => world.publisher.records.get(project);
    expect(limits()).toMatchObject({ limits: { requestsPerDay: 9, costMicrosPerMonth: 70 } });
    await ask("PATCH", `/projects/${project}`, { limits: { costMicrosPerMonth: 50 } });
    expect(limits()).toMatchObject({ limits: { costMicrosPerMonth: 50 } });
    await ask("PATCH", `/projects/${project}`, { limits: { costMicrosPerMonth: 90 } });
    expect(limits()).toMatchObject({ limits: { costMicrosPerMonth: 70 } });
    await ask("DELETE", `/budgets/${body.id}`);
    expect(limits()).toMatchObject({ limits: { requestsPerDay: 9, costMicrosPerMonth: 90 } });
  });

  it("is audited with its change", async () => {
    const org = await world.openOrg("Audit");
    const { body } = await create(org, { amountMicros: 5 });
    const rows = await world.select(
      "SELECT action, target FROM audit WHERE org = ? AND action LIKE 'budget%'",
      org.org,
    );
    expect(rows).toEqual([{ action: "budget.created", target: body.id }]);
  });
});

it("refuses a second for the same, what is not the org's, a bad body, and who may not", async () => {
  expect((await create(world.a, { amountMicros: 5 })).status).toBe(201);
  expect((await create(world.a, { amountMicros: 6 })).body.error.code).toBe("conflict");
  expect((await create(world.a, { amountMicros: 5, key: world.b.keyId })).body.error.code).toBe("not_found");
  const project = `proj_${"9".repeat(22)}`;
  expect((await create(world.a, { amountMicros: 5, project })).body.error.code).toBe("not_found");
  for (const [body, param] of [
    [{}, "amountMicros"],
    [{ amountMicros: 0 }, "amountMicros"],
    [{ amountMicros: 1.5 }, "amountMicros"],
    [{ amountMicros: 5, sharesPercent: [50, 50] }, "sharesPercent"],
    [{ amountMicros: 5, sharesPercent: [0] }, "sharesPercent[0]"],
    [{ amountMicros: 5, project, key: world.a.keyId }, "key"],
    [{ amountMicros: 5, spent: 1 }, "spent"],
  ] as const) {
    const answer = await create(world.a, body);
    expect([answer.status, answer.body.error.param]).toEqual([400, param]);
  }
  expect((await create(world.a, { amountMicros: 5 }, world.b.admin)).body.error.code).toBe("not_found");
  const viewer = await world.signIn(world.a.org, "viewer");
  const answer = await world.ask("POST", `/control/orgs/${world.a.org}/budgets`, {
    ...viewer,
    body: { amountMicros: 5 },
  });
  expect(answer.body.error.code).toBe("insufficient_permissions");
  const billing = await world.signIn(world.b.org, "billing");
  const made = await world.ask("POST", `/control/orgs/${world.b.org}/budgets`, {
    ...billing,
    body: { amountMicros: 5 },
  });
  expect(made.status).toBe(201);
});
