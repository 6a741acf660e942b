import { afterAll, beforeAll, expect, it } from "vitest";
import { readGroups, usageGroups } from "#edge/control/openai-admin/usage/groups.ts";
import { insertUsage, openWorld, type Json, type World } from "#test/edge/control/http/world.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

let world: World;
const admittedAtMs = Date.parse("2026-11-20T10:00:00Z");
const start_time = Date.parse("2026-11-20T00:00:00Z") / 1_000;

beforeAll(async () => {
  world = await openWorld();
  const { org, keyId: key } = world.a;
  for (const model of ["qwen-chat", "qwen-chat", "old-chat"])
    await insertUsage(world, { org, key, model, admittedAtMs });
  await insertUsage(world, { org, key, model: "embedder", endpoint: "embeddings", admittedAtMs });
  await insertUsage(world, { org: world.b.org, key: world.b.keyId, admittedAtMs });
});
afterAll(() => world.close());

const ask = async (query: string, asking: object = { key: world.a.admin }, headers = {}) => {
  const path = `/v1/organization/usage/completions?start_time=${start_time}&limit=1&${query}`;
  const { status, body } = await world.ask("GET", path, { ...asking, ...headers });
  return status === 200 ? body.data.flatMap((bucket: Json) => bucket.results) : body.error;
};

it("sums the org's own calls, of the endpoints that are meant", async () => {
  expect(await ask("")).toMatchObject([{ num_model_requests: 3, input_tokens: 30, output_tokens: 60 }]);
  expect(await ask("models=embedder")).toEqual([]);
});

it("groups by one thing or several, and chooses among several; a model goes by an alias", async () => {
  const byModel = await ask("group_by=model&group_by=api_key_id");
  expect(new Map(byModel.map((one: Json) => [one.model, one.num_model_requests]))).toEqual(
    new Map([
      ["qwen-chat", 2],
      ["old-chat", 1],
    ]),
  );
  expect(byModel[0]).toMatchObject({ api_key_id: world.a.keyId, project_id: null });
  expect(await ask("group_by[]=project_id")).toMatchObject([{ project_id: null, num_model_requests: 3 }]);
  expect(await ask("models[]=gpt-4o&models[]=old-chat")).toMatchObject([{ num_model_requests: 3 }]);
  expect(await ask("models=gpt-4o")).toMatchObject([{ num_model_requests: 2 }]);
  expect(await ask(`api_key_ids=${world.b.keyId}`)).toEqual([]);
});

it("shows who has only their own that of their keys", async () => {
  const developer = await world.signIn(world.a.org, "developer");
  const asking = { ...developer, headers: { ...developer.headers, "openai-organization": world.a.org } };
  expect(await ask("", asking)).toEqual([]);
  await world.select("UPDATE keys SET owner = ? WHERE id = ?", developer.user, world.a.keyId);
  expect(await ask("", asking)).toMatchObject([{ num_model_requests: 3 }]);
});

it("refuses what usage cannot be grouped by", async () => {
  expect(readGroups({ group_by: ["model", "model"] }, usageGroups)).toEqual([["model", "model"]]);
  const { details } = await expectRefusal(
    async () => readGroups({ group_by: ["batch"] }, usageGroups),
    "invalid_value",
  );
  expect(details.param).toBe("group_by");
  expect(await ask("group_by=constructor")).toMatchObject({ param: "group_by" });
});
