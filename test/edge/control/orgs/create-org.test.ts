import { afterAll, beforeAll, expect, it } from "vitest";
import { planLimits } from "#edge/agreements/records/quota.ts";
import { findPlacement } from "#edge/agreements/tokens/placement.ts";
import { ownedOrgsMax } from "#edge/control/limits.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const create = (body: unknown, key?: string) =>
  world.ask("POST", "/control/orgs", { body, ...(key !== undefined && { key }) });
const count = async () => (await world.select("SELECT count(*) AS n FROM orgs"))[0]?.["n"];

it("makes an org with its plan's limits, and answers when the ledger knows it", async () => {
  const answer = await create({ name: "Acme" });
  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject({
    name: "Acme",
    plan: "standard",
    limits: planLimits.standard,
    isSuspended: false,
    isOperator: false,
    version: 1,
  });
  expect(answer.body.id).toMatch(/^org_[0-9A-Za-z]{10}$/);
  expect(new Date(answer.body.createdAt).toISOString()).toBe(answer.body.createdAt);
  expect(world.publisher.org(answer.body.id)).toEqual({
    kind: "org",
    id: answer.body.id,
    plan: "standard",
    isSuspended: false,
    limits: planLimits.standard,
    version: 1,
  });
});

it("takes limits over the plan's, null for none", async () => {
  const { body } = await create({ name: "Acme", plan: "professional", limits: { tokensPerDay: null, concurrency: 7 } });
  expect(body.limits).toEqual({ ...planLimits.professional, tokensPerDay: null, concurrency: 7 });
});

it("requires enterprise rates to be stated, if only that there are none", async () => {
  const limits = { requestsPerMinute: null, requestsPerHour: 9, concurrency: null };
  for (const name of Object.keys(limits)) {
    const { [name as keyof typeof limits]: _, ...rest } = limits;
    const answer = await create({ name: "Big", plan: "enterprise", limits: rest });
    expect([answer.status, answer.body.error.param]).toEqual([400, `limits.${name}`]);
  }
  expect((await create({ name: "Big", plan: "enterprise" })).body.error.param).toBe("limits.requestsPerMinute");
  expect((await create({ name: "Big", plan: "enterprise", limits })).body.limits).toMatchObject(limits);
});

it("places an org in a shard, on enterprise or when it is wished so in an object of its own", async () => {
  const limits = { requestsPerMinute: null, requestsPerHour: null, concurrency: null };
  const place = async (body: object) => findPlacement((await create({ name: "Acme", ...body })).body.id);
  expect(await place({})).toBe("shards");
  expect(await place({ plan: "professional" })).toBe("shards");
  expect(await place({ plan: "enterprise", limits })).toBe("own");
  expect(await place({ placement: "own" })).toBe("own");
  expect(await place({ plan: "enterprise", limits, placement: "shards" })).toBe("shards");
  expect((await create({ name: "Acme", placement: "moon" })).body.error.param).toBe("placement");
  expect(findPlacement(world.operator.org)).toBe("own");
});

it("refuses each field's bad values with the field's path", async () => {
  const before = await count();
  const bad: [unknown, string | null][] = [
    [{}, "name"],
    [{ name: "" }, "name"],
    [{ name: "  \n " }, "name"],
    [{ name: 1 }, "name"],
    [{ name: null }, "name"],
    [{ name: "x".repeat(101) }, "name"],
    [{ name: "a\u0000b" }, "name"],
    [{ name: "a\u001b[31mb" }, "name"],
    [{ name: "a\u202eb" }, "name"],
    [{ name: "a\ud800b" }, "name"],
    [{ name: "a\u2028b" }, "name"],
    [{ name: "x", plan: "Standard" }, "plan"],
    [{ name: "x", plan: null }, "plan"],
    [{ name: "x", limits: null }, "limits"],
    [{ name: "x", limits: [] }, "limits"],
    [{ name: "x", limits: { requestsPerMinute: "60" } }, "limits.requestsPerMinute"],
    [{ name: "x", limits: { requestsPerMinute: -1 } }, "limits.requestsPerMinute"],
    [{ name: "x", limits: { requestsPerMinute: 1.5 } }, "limits.requestsPerMinute"],
    [{ name: "x", limits: { tokensPerDay: 2 ** 53 } }, "limits.tokensPerDay"],
    [{ name: "x", limits: { tokensPerYear: 1 } }, "limits.tokensPerYear"],
    [[], null],
    ["x", null],
    [null, null],
  ];
  for (const [body, param] of bad) {
    const answer = await create(body);
    expect([body, answer.status, answer.body.error.code, answer.body.error.param]).toEqual([
      body,
      400,
      "invalid_value",
      param,
    ]);
    expect(Object.keys(answer.body.error).toSorted()).toEqual(["code", "message", "param", "type"]);
  }
  expect(await count()).toBe(before);
});

it("counts a name in characters, trims it, and stores what people typed", async () => {
  for (const [name, stored] of [
    ["🦑".repeat(100), "🦑".repeat(100)],
    [" \u00e9 ", "\u00e9"],
    ["e\u0301", "\u00e9"],
    ["'; DROP TABLE orgs; --", "'; DROP TABLE orgs; --"],
    ["<script>", "<script>"],
    ["𝕬👩‍👩‍👧", "𝕬👩‍👩‍👧"],
  ]) {
    const answer = await create({ name });
    expect([answer.status, answer.body.name]).toEqual([201, stored]);
  }
});

it("refuses bodies that are no JSON, no JSON by type, encoded, missing, or too large", async () => {
  const post = (asking: object) => world.ask("POST", "/control/orgs", asking);
  expect((await post({ rawBody: "{" })).body.error).toMatchObject({ code: "invalid_json" });
  expect((await post({ rawBody: "[".repeat(60_000) })).body.error).toMatchObject({ code: "invalid_json" });
  expect((await post({ rawBody: new Blob([new Uint8Array([0x22, 0xff, 0x22])]).stream() })).body.error).toMatchObject({
    code: "invalid_json",
  });
  expect((await post({ rawBody: '{"name":"x"}', headers: { "content-type": "text/plain" } })).body.error).toMatchObject(
    { code: "invalid_value", param: "content-type" },
  );
  expect(
    (await post({ rawBody: '{"name":"x"}', headers: { "content-type": "application/jsonp" } })).body.error,
  ).toMatchObject({ param: "content-type" });
  expect((await post({ rawBody: '{"name":"x"}', headers: { "content-encoding": "gzip" } })).status).toBe(415);
  expect((await post({})).body.error).toMatchObject({ code: "invalid_value" });
  expect((await post({ rawBody: JSON.stringify({ name: "x", pad: "y".repeat(70_000) }) })).status).toBe(413);
  expect(
    (await post({ rawBody: '{"name":"ok"}', headers: { "content-type": "application/json; charset=utf-8" } })).status,
  ).toBe(201);
});

it("is the operators' alone", async () => {
  const answer = await create({ name: "Mine" }, world.a.admin);
  expect([answer.status, answer.body.error.code]).toEqual([403, "insufficient_permissions"]);
});

it("leaves nothing behind when the ledger is out of reach", async () => {
  const before = await count();
  world.publisher.fails = () => true;
  const answer = await create({ name: "Late" });
  world.publisher.fails = () => false;
  expect([answer.status, answer.body.error.code, answer.headers.get("retry-after")]).toEqual([
    503,
    "quota_unavailable",
    "1",
  ]);
  expect(await count()).toBe(before);
  expect(world.logs.some((line) => line.includes("publish_failed"))).toBe(true);
  expect((await create({ name: "Late" })).status).toBe(201);
});

it("lets a person own so many, however many they ask for at once; closing one makes room a day later", async () => {
  const person = await world.signIn(null, "owner");
  const make = () => world.ask("POST", "/control/orgs", { ...person, body: { name: "Mine" } });
  const answers = await Promise.all(Array.from({ length: ownedOrgsMax + 3 }, make));
  const made = answers.filter(({ status }) => status === 201);
  expect(made).toHaveLength(ownedOrgsMax);
  const refused = answers.find(({ status }) => status !== 201);
  expect([refused?.status, refused?.body.error.code]).toEqual([409, "conflict"]);
  expect(refused?.body.error.message).toMatch(/20 organizations/);
  const close = await world.ask("DELETE", `/control/orgs/${made[0]?.body.id}`, { ...person, body: {} });
  expect([close.status, (await make()).status]).toEqual([200, 409]);
  world.clock.offsetMs = 86_400_001;
  expect([(await make()).status, (await make()).status]).toEqual([201, 409]);
  world.clock.offsetMs = 0;
  await world.select("UPDATE auth_users SET is_operator = 1 WHERE id = ?", person.user);
  person.person.isOperator = true;
  expect((await make()).status).toBe(201);
});
