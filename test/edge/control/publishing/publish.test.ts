import { afterAll, beforeAll, expect, it } from "vitest";
import { publishLeft } from "#edge/control/publishing/publish-left.ts";
import { selectUnpublished } from "#edge/control/publishing/queries.ts";
import { openWorld, type World } from "../http/world.ts";

let world: World;
beforeAll(async () => void (world = await openWorld()));
afterAll(() => world.close());

it("publishes what is stored: the ledger's newest record is D1's row, after any course of changes", async () => {
  const keys = `/control/orgs/${world.a.org}/keys`;
  const change = (at: number) =>
    world.ask("PATCH", `/control/orgs/${world.a.org}`, { body: { limits: { concurrency: at } } });
  const create = () => world.ask("POST", keys, { body: { name: "x", expiresAt: Date.now() + 9_999_999 } });
  const rotate = () => world.ask("POST", `${keys}/${world.a.keyId}/rotate`, { body: { overlapSeconds: 60 } });
  const revoke = () => world.ask("POST", `${keys}/${world.a.keyId}/revoke`);
  // Every fourth publish fails; those refused are repeated until they heal, as a caller would.
  let publishes = 0;
  world.publisher.fails = () => publishes++ % 4 === 3;
  const heal = async (step: () => ReturnType<World["ask"]>) => {
    for (let tries = 0; tries < 20 && (await step()).status === 503; tries++);
  };
  await Promise.all(Array.from({ length: 8 }, (_, at) => [heal(() => change(at)), heal(create), heal(rotate)]).flat());
  await heal(revoke);
  world.publisher.fails = () => false;
  await Promise.all(world.pending);

  const [org] = await world.select("SELECT * FROM orgs WHERE id = ?", world.a.org);
  expect(world.publisher.org(world.a.org)).toMatchObject({
    version: org?.["version"],
    limits: JSON.parse(org?.["limits"]),
  });
  for (const row of await world.select("SELECT * FROM keys WHERE kind = 'inference' AND revoked_at_ms IS NULL")) {
    expect(world.publisher.key(row["id"])).toMatchObject({
      version: row["version"],
      expiresAtMs: row["expires_at_ms"],
      isRevoked: false,
    });
  }
  expect(world.publisher.key(world.a.keyId).isRevoked).toBe(true);
  // What was published behind an answer, and failed, nobody repeats: that is the cron's.
  await publishLeft(world.db, world.publisher);
  expect(await selectUnpublished(world.db, 100)).toEqual([]);
});

it("logs who changed what by ids alone", async () => {
  await world.ask("PATCH", `/control/orgs/${world.b.org}`, { body: { name: "Secret project" } });
  const line = world.logs.findLast((text) => text.includes("control_changed")) ?? "{}";
  expect(JSON.parse(line)).toEqual({
    event: "control_changed",
    change: "org.changed",
    by: world.operator.keyId,
    org: world.b.org,
    target: world.b.org,
  });
});
