import { afterAll, beforeAll, expect, it } from "vitest";
import { badSessions, openWorld, type Answer, type World } from "#test/edge/control/http/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const list = (key: string | null, query = ""): Promise<Answer> => world.ask("GET", `/control/models${query}`, { key });

it("shows any admin what is served: aliases, endpoints, context and prices with their currency", async () => {
  const { status, body } = await list(world.a.admin);
  const price = { promptMicrosPerMTok: 200_000, completionMicrosPerMTok: 400_000 };
  expect(status).toBe(200);
  expect(body.currency).toBe("EUR");
  expect(body.models.map(({ id }: { id: string }) => id)).toEqual(["qwen-chat", "embedder"]);
  expect(body.models[0]).toEqual({
    id: "qwen-chat",
    aliases: ["default", "gpt-4o"],
    endpoints: ["chat.completions"],
    contextTokensMax: 8_192,
    completionTokensDefault: 2_048,
    ownedBy: "house",
    prices: { shared: price, complex: price },
  });
  expect((await list(world.operator.key)).body).toEqual(body);
});

it("refuses a query and every credential that is no good", async () => {
  expect((await list(world.a.admin, "?limit=1")).body.error.param).toBe("limit");
  const refused = await badSessions(world, (key) => list(key));
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
});
