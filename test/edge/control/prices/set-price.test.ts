import { afterAll, beforeAll, expect, it } from "vitest";
import { insertUsage, openWorld, type Json, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const draft = { model: "gpt-4o", tier: "shared", promptMicrosPerMTok: 30, completionMicrosPerMTok: 50 };
const set = (body: object, key: string | null = world.operator.key) =>
  world.ask("POST", "/control/prices", { key, body });
const list = async (query = "") =>
  (await world.ask("GET", `/control/prices${query}`, { key: world.a.admin })).body.prices as Json[];

it("comes into force a minute from now at the earliest; until then what was holds", async () => {
  const from = new Date(Date.now() + 3_600_000).toISOString();
  expect((await set({ ...draft, from, cachedMicrosPerMTok: 3 })).body).toEqual({
    model: "qwen-chat",
    tier: "shared",
    from,
    isInForce: false,
    promptMicrosPerMTok: 30,
    cachedMicrosPerMTok: 3,
    completionMicrosPerMTok: 50,
  });
  const shown = (await list("?model=default")).map(({ tier, from: at, isInForce }) => [tier, at, isInForce]);
  expect(shown).toEqual([
    ["shared", from, false],
    ["shared", null, true],
    ["complex", null, true],
  ]);
  world.clock.offsetMs = 3_600_001;
  expect((await list("?model=default")).map(({ isInForce }) => isInForce)).toEqual([true, false, true]);
  world.clock.offsetMs = 0;
  expect((await list()).map(({ model }) => model)).toContain("embedder");
  const soon = new Date(Date.now() + 30_000).toISOString();
  expect((await set({ ...draft, from: soon })).body.error).toMatchObject({ code: "invalid_value", param: "from" });
  const unsaid = await set({ ...draft, tier: "complex" });
  expect(Date.parse(unsaid.body.from) - Date.now()).toBeGreaterThan(50_000);
});

it("is audited in the house's log, once, and not set twice for one moment", async () => {
  const from = new Date(Date.now() + 7_200_000).toISOString();
  expect((await set({ ...draft, from })).status).toBe(201);
  expect((await set({ ...draft, from, promptMicrosPerMTok: 31 })).body.error.code).toBe("conflict");
  const rows = await world.select("SELECT org, target, after FROM audit WHERE action = 'price.set' ORDER BY seq DESC");
  expect(rows[0]).toMatchObject({ org: world.operator.org, target: "qwen-chat shared" });
  expect(JSON.parse(rows[0]?.after)).toEqual({ promptMicrosPerMTok: 30, completionMicrosPerMTok: 50, from });
});

it("refuses what makes no sense, and who is no operator", async () => {
  for (const [body, param] of [
    [{ ...draft, model: "nope" }, "model"],
    [{ ...draft, tier: "best" }, "tier"],
    [{ ...draft, promptMicrosPerMTok: -1 }, "promptMicrosPerMTok"],
    [{ ...draft, cachedMicrosPerMTok: 31 }, "cachedMicrosPerMTok"],
    [{ ...draft, completionMicrosPerMTok: 1_000_000_001 }, "completionMicrosPerMTok"],
  ] as const) {
    const { status, body: answer } = await set(body);
    expect([status, answer.error.param]).toEqual([400, param]);
  }
  expect((await set(draft, world.a.admin)).body.error.code).toBe("insufficient_permissions");
  const owner = await world.signIn(world.a.org, "owner");
  expect((await world.ask("POST", "/control/prices", { ...owner, body: draft })).status).toBe(403);
  expect((await world.ask("GET", "/control/prices?model=nope", { key: world.a.admin })).status).toBe(404);
});

it("is shown with a call that was admitted under it, and with none that cost something else", async () => {
  const { org, keyId: key } = world.a;
  const cost = { promptTokens: 1_000_000, cachedTokens: 400_000, completionTokens: 0 };
  const insert = (costMicros: number, admittedAtMs: number) =>
    insertUsage(world, { org, key, ...cost, costMicros, admittedAtMs });
  const inForce = Date.now() + 3_600_100;
  const show = async (id: string) =>
    (await world.ask("GET", `/control/orgs/${org}/usage/calls/${id}`, { key: world.a.admin })).body.price;
  expect(await show(await insert(20, inForce))).toEqual({
    promptMicrosPerMTok: 30,
    cachedMicrosPerMTok: 3,
    completionMicrosPerMTok: 50,
  });
  const before = { promptMicrosPerMTok: 200_000, completionMicrosPerMTok: 400_000 };
  expect(await show(await insert(200_000, Date.now()))).toEqual(before);
  expect(await show(await insert(200_000, inForce))).toEqual(before);
  expect(await show(await insert(77, inForce))).toBeNull();
});
