import { afterAll, beforeAll, expect, it } from "vitest";
import { openWorld, type World } from "../world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

const make = (key: string, body: object = { name: "once" }, by = world.a.admin) =>
  world.ask("POST", `/control/orgs/${world.a.org}/keys`, { key: by, body, headers: { "idempotency-key": key } });
const countKeys = () => world.countKeys(world.a.org);

it("makes one key for one Idempotency-Key, however often and however many at once it is sent", async () => {
  const before = await countKeys();
  const answers = await Promise.all(Array.from({ length: 8 }, () => make("k1")));
  const made = answers.filter(({ status }) => status === 201);
  expect(made).toHaveLength(1);
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    expect(answer.status).toBe(409);
    expect(answer.body.error.code).toMatch(/^idempotency_(in_progress|replayed)$/);
  }
  const repeated = await make("k1");
  expect([repeated.status, repeated.body.error.code]).toEqual([409, "idempotency_replayed"]);
  expect(repeated.text).not.toContain(made[0]?.body.secret);
  expect(await countKeys()).toBe(before + 1);
});

it("refuses one key for two bodies, and knows each principal's own", async () => {
  expect((await make("k2")).status).toBe(201);
  expect((await make("k2", { name: "other" })).body.error.code).toBe("idempotency_mismatch");
  expect((await make("k2", { name: "other" }, world.operator.key)).status).toBe(201);
});

it("lets what was refused, or whose isolate was lost, be tried again", async () => {
  expect((await make("k3", { name: "" })).status).toBe(400);
  expect((await make("k3", { name: "better" })).status).toBe(201);
  world.publisher.fails = () => true;
  expect((await make("k4")).status).toBe(503);
  world.publisher.fails = () => false;
  expect((await make("k4")).status).toBe(201);
  await world.select("UPDATE control_requests SET status = NULL");
  expect((await make("k4")).body.error.code).toBe("idempotency_in_progress");
  world.clock.offsetMs = 61_000;
  expect((await make("k4")).status).toBe(201);
  world.clock.offsetMs = 90_000_000;
  expect((await make("k2")).status).toBe(201);
  world.clock.offsetMs = 0;
});

it("keeps neither keys, bodies nor answers, and refuses a key that is none", async () => {
  const { body } = await make("secret-idempotency-key", { name: "secret-name" });
  const stored = JSON.stringify(await world.select("SELECT * FROM control_requests"));
  for (const text of [body.secret, "secret-idempotency-key", "secret-name"]) expect(stored).not.toContain(text);
  for (const key of ["", "x".repeat(300)]) {
    const answer = await make(key);
    expect([answer.status, answer.body.error.param]).toEqual([400, "Idempotency-Key"]);
  }
});

it("finds what is to be forgotten by an index, not among all of a day", async () => {
  const plan = await world.select(
    "EXPLAIN QUERY PLAN DELETE FROM control_requests WHERE at_ms < ? OR (status IS NULL AND at_ms < ?)",
    1,
    1,
  );
  const details = plan.map(({ detail }) => detail).join("; ");
  expect(details).toMatch(/control_requests_by_age \(at_ms<\?\).*control_requests_running \(at_ms<\?\)/);
});
