import { describe, expect, test } from "vitest";
import { mintKey } from "#edge/agreements/tokens/key-format.ts";
import { openPrices } from "#edge/admission/prices.ts";
import { openVerifiedKeys } from "#edge/identity/index.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { servedModel, viewOf } from "#test/support/fakes/fleet.ts";
import { keyringOf, tokenKeyOf } from "#test/support/fakes/keyring.ts";
import { chatModel, testModels } from "#test/support/fakes/models.ts";
import { importDoor, serve, type Door } from "../world.ts";

const { openSiteDoor } = await importDoor<{ openSiteDoor(): Door }>("site/site");
const door = openSiteDoor();

const keyring = await keyringOf();
const tokenKey = await tokenKeyOf();
const { text: key } = await mintKey("inference", "org_Ab0Cd1Ef2G", keyring, generateRandomBytes);
const authorization = `Bearer ${key}`;
const scopes = { kind: "scopes", endpoints: null, models: [servedModel] };
const ports = {
  keys: openVerifiedKeys(keyring),
  tokenKey,
  models: testModels,
  currency: "USD",
  prices: openPrices(async () => []),
  ledger: { introspect: async () => scopes },
};

const get = (path: string, over: object = {}, headers: Record<string, string> = {}) =>
  serve(door, { ...ports, ...over }, new Request(`http://edge${path}`, { headers }));

describe("health", () => {
  const fleetOf = (views: unknown[], refresh: () => Promise<void> | null = () => null) => ({
    view: () => views,
    refresh,
  });
  const models = [chatModel];

  test("is 200 while a model has a ready node, and 503 when none has", async () => {
    const healthy = await get("/health", { models, fleet: fleetOf([viewOf("a")]) });
    expect([healthy.response.status, await healthy.response.json()]).toEqual([
      200,
      { status: "healthy", backends: { chat: 1 } },
    ]);
    const unhealthy = await get("/health", { models, fleet: fleetOf([viewOf("a", { state: "draining" })]) });
    expect([unhealthy.response.status, await unhealthy.response.json()]).toEqual([
      503,
      { status: "unhealthy", backends: { chat: 0 } },
    ]);
  });

  test("waits for a stale view to be read anew", async () => {
    const views: unknown[] = [];
    const refresh = async () => {
      await Promise.resolve();
      views.push(viewOf("a"));
    };
    expect((await get("/health", { models, fleet: fleetOf(views, refresh) })).response.status).toBe(200);
  });

  test("is answered from the view as it is when heartbeats cannot be read, and the log says so", async () => {
    const fleet = fleetOf([viewOf("a")], () => Promise.reject(new Error("down")));
    const { response, visit } = await get("/health", { models, fleet });
    expect([response.status, visit.logged.map(({ event }) => event)]).toEqual([200, ["fleet_unreadable"]]);
  });
});

test("probes are answered without any store", async () => {
  for (const [path, status] of [
    ["/livez", "alive"],
    ["/readyz", "ready"],
  ] as const) {
    const { response } = await serve(door, {}, new Request(`http://edge${path}`));
    expect([response.status, await response.json()]).toEqual([200, { status }]);
  }
});

describe("models", () => {
  test("are those that the key may use, and each has an address of its own, slashes and all", async () => {
    const list = await get("/v1/models", {}, { authorization });
    expect(await list.response.json()).toMatchObject({
      object: "list",
      data: [{ id: servedModel }, { id: "chat", root: servedModel }],
    });
    const one = await get(`/v1/models/${servedModel}`, {}, { authorization });
    expect(await one.response.json()).toMatchObject({ object: "model", id: servedModel });
  });

  test("that the key may not use are not found", async () => {
    const { refusal } = await get("/v1/models/embed", {}, { authorization });
    expect(refusal?.code).toBe("model_not_found");
  });

  test("are for callers with a key", async () => {
    expect((await get("/v1/models")).refusal?.code).toBe("invalid_api_key");
  });
});

test("a client token is made for a key in force", async () => {
  const headers = { authorization, "content-type": "application/json" };
  const request = () => new Request("http://edge/v1/client-tokens", { method: "POST", body: "{}", headers });
  const { response } = await serve(door, ports, request());
  expect(response.status).toBe(201);
  expect(await response.json()).toMatchObject({ object: "client_token", token: expect.stringMatching(/^ey/) });
  const ledger = { introspect: async () => ({ kind: "denial", reason: "key" }) };
  expect((await serve(door, { ...ports, ledger }, request())).refusal?.code).toBe("invalid_api_key");
});

test("the document of the API and the welcome need no key", async () => {
  expect(await (await get("/openapi.json")).response.json()).toMatchObject({ openapi: expect.stringMatching(/^3\.1/) });
  expect((await get("/")).response.status).toBe(200);
});
