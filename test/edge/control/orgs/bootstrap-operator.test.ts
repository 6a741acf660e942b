import { afterAll, beforeAll, expect, it } from "vitest";
import { bootstrapToken, openWorld, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const bootstrap = (key: string | null = bootstrapToken) => world.ask("POST", "/control/bootstrap", { key });
const closeOperators = () => world.db.prepare("UPDATE keys SET revoked_at_ms = 1 WHERE role = 'operator'").bind().run();

it("made the operator's org and key", async () => {
  const me = await world.ask("GET", `/control/orgs/${world.operator.org}/keys/${world.operator.keyId}`);
  expect(me.body).toMatchObject({ kind: "admin", role: "operator", name: "bootstrap", state: "active" });
  expect(world.publisher.org(world.operator.org)).toMatchObject({ plan: "enterprise", version: 1 });
  expect(world.publisher.records.has(world.operator.keyId)).toBe(false);
});

it("is closed while an operator key is in force", async () => {
  const answer = await bootstrap();
  expect([answer.status, answer.body.error.code]).toEqual([409, "conflict"]);
});

it("answers a wrong token as it answers a wrong key", async () => {
  for (const token of [null, "", bootstrapToken.slice(1), `${bootstrapToken}x`, world.operator.key]) {
    const answer = await bootstrap(token);
    expect([answer.status, answer.body.error.code]).toEqual([401, "invalid_api_key"]);
  }
});

it("is not there without a token", async () => {
  for (const token of [null, ""]) {
    world.control.bootstrapToken = token;
    const answer = await bootstrap(token);
    expect([answer.status, answer.body.error.code]).toEqual([404, "unknown_url"]);
  }
  world.control.bootstrapToken = bootstrapToken;
});

it("is the way back in when no operator key is in force, once even for many at a time", async () => {
  await closeOperators();
  expect((await world.ask("GET", "/control/orgs")).status).toBe(401);
  const answers = await Promise.all(Array.from({ length: 8 }, () => bootstrap()));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  const made = answers.find(({ status }) => status === 201);
  expect(made?.body.org.id).toBe(world.operator.org);
  expect((await world.ask("GET", "/control/orgs", { key: made?.body.key.secret })).status).toBe(200);
  expect((await world.select("SELECT count(*) AS n FROM orgs WHERE is_operator = 1"))[0]).toEqual({ n: 1 });
});

it("stays open when the ledger is out of reach", async () => {
  await closeOperators();
  world.publisher.fails = () => true;
  expect((await bootstrap()).status).toBe(503);
  world.publisher.fails = () => false;
  expect((await bootstrap()).status).toBe(201);
});
