import { afterAll, beforeAll, expect, it } from "vitest";
import { badSessions, openWorld, type Answer, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const list = (key: string | null, query = ""): Promise<Answer> => world.ask("GET", `/control/nodes${query}`, { key });

it("shows an operator each node as configured and as last reported, and when that was", async () => {
  const { status, body } = await list(world.operator.key);
  expect(status).toBe(200);
  expect(body.nodes).toEqual([
    {
      id: "node_a",
      url: "https://node.example.test",
      tier: "shared",
      models: ["qwen-chat"],
      kind: "l4",
      state: "ready",
      heardAt: new Date(Date.parse(body.at) - 1_000).toISOString(),
      breaker: "closed",
      load: { running: 2, waiting: 1, kvUsed: 0.25, heldTokens: 4_096 },
      kvPoolTokens: 100_000,
    },
    expect.objectContaining({ id: "node_b", kind: null, state: null, heardAt: null, load: null, kvPoolTokens: null }),
  ]);
});

it("asks for fresh reports, and shows what is known when they cannot be read", async () => {
  let refreshed = 0;
  world.fleet.refresh = async () => void refreshed++;
  await list(world.operator.key);
  world.fleet.refresh = () => Promise.reject(new Error("out of reach"));
  const { status, body } = await list(world.operator.key);
  expect([refreshed, status, body.nodes.length]).toEqual([1, 200, 2]);
  expect(world.logs.some((line) => line.includes("fleet_unreadable"))).toBe(true);
  world.fleet.refresh = () => null;
});

it("is for operators alone, takes no query, and refuses every credential that is no good", async () => {
  expect((await list(world.a.admin)).body.error.code).toBe("insufficient_permissions");
  expect((await list(world.operator.key, "?org=x")).body.error.param).toBe("org");
  const refused = await badSessions(world, (key) => list(key));
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
});
