import { describe, expect, test, vi } from "vitest";
import { mintKey } from "#edge/agreements/tokens/key-format.ts";
import { openVerifiedKeys } from "#edge/identity/index.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { viewOf } from "#test/support/fakes/fleet.ts";
import { keyringOf } from "#test/support/fakes/keyring.ts";
import { chatModel, embeddingModel, testModels } from "#test/support/fakes/models.ts";
import { importDoor, serve, type Door } from "../world.ts";

const { openSiteDoor } = await importDoor<{ openSiteDoor(): Door }>("site/site");
const door = openSiteDoor();
const keyring = await keyringOf();
const { text: key } = await mintKey("inference", "org_Ab0Cd1Ef2G", keyring, generateRandomBytes);
const scopes = { kind: "scopes", endpoints: null, models: [chatModel.id, embeddingModel.id] };
const fleet = { view: () => [viewOf("a")], refresh: () => Promise.reject(new Error("away")) };

const ask = (path: string, body?: unknown, over: object = {}, authorization = `Bearer ${key}`) => {
  const ports = {
    keys: openVerifiedKeys(keyring),
    models: testModels,
    ledger: { introspect: async () => scopes },
    fleet,
  };
  const init = {
    headers: { authorization },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  };
  return serve(door, { ...ports, ...over }, new Request(`http://edge${path}`, init));
};
const namesAt = async (path: string) => {
  const { models }: { models: { name: string }[] } = await (await ask(path)).response.json();
  return models.map(({ name }) => name);
};

describe("lists", () => {
  test("have the models that the key may use; of those that are served, the ones with a ready node", async () => {
    expect(await namesAt("/api/tags")).toEqual([chatModel.id, embeddingModel.id]);
    expect(viewOf("a").record.models).not.toContain(embeddingModel.id);
    expect(await namesAt("/api/ps")).toEqual(viewOf("a").record.models.filter((id) => id === chatModel.id));
  });

  test("need a key, and `models` among its endpoints", async () => {
    const narrow = { ledger: { introspect: async () => ({ ...scopes, endpoints: ["ollama.chat"] }) } };
    for (const [path, body] of [["/api/tags"], ["/api/ps"], ["/api/show", { model: "chat" }]] as const) {
      expect((await ask(path, body, narrow)).refusal?.code).toBe("insufficient_permissions");
      expect((await ask(path, body, {}, "Bearer x")).refusal?.code).toBe("invalid_api_key");
    }
  });
});

describe("one model", () => {
  test("is shown after the key was looked at once, and its ledger asked once", async () => {
    const keys = openVerifiedKeys(keyring);
    const [verify, introspect] = [
      vi.fn<typeof keys.verify>(keys.verify),
      vi.fn<() => Promise<object>>(async () => scopes),
    ];
    await ask("/api/show", { model: "chat" }, { keys: { verify }, ledger: { introspect } });
    expect([verify.mock.calls.length, introspect.mock.calls.length]).toEqual([1, 1]);
  });

  test("is shown to who may use it, and is none to others", async () => {
    const shown = await ask("/api/show", { model: "chat" });
    expect(await shown.response.json()).toMatchObject({ capabilities: ["completion", "tools", "vision"] });
    expect((await ask("/api/show", { model: "text2sql" })).refusal?.code).toBe("model_not_found");
  });
});

test("the version is everybody's", async () => {
  const { response } = await ask("/api/version", undefined, {}, "");
  expect(await response.json()).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
});
