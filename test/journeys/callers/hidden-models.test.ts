import { expect, inject, test } from "vitest";
import { worldAt } from "#test/support/stack/world.ts";

const world = worldAt(inject("place"));

const messages = [{ role: "user", content: "x" }];
/** Every door that a model goes by, with a call that is right but for the model, and with ones that are wrong too. */
const doors: Record<string, (model: string) => [path: string, body?: object, headers?: Record<string, string>]> = {
  chat: (model) => ["/v1/chat/completions", { model, messages, max_tokens: 1 }],
  "chat, streamed": (model) => ["/v1/chat/completions", { model, messages, max_tokens: 1, stream: true }],
  "chat, more tokens than its context": (model) => ["/v1/chat/completions", { model, messages, max_tokens: 10 ** 8 }],
  "chat, a prompt longer than its context": (model) => [
    "/v1/chat/completions",
    { model, messages: [{ role: "user", content: "x".repeat(2_000_000) }] },
  ],
  "chat, a part that no model takes": (model) => [
    "/v1/chat/completions",
    {
      model,
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA" } }] }],
    },
  ],
  "chat, a wrong deadline": (model) => [
    "/v1/chat/completions",
    { model, messages },
    { "x-penstock-timeout-ms": "soon" },
  ],
  "chat, a wrong Idempotency-Key": (model) => [
    "/v1/chat/completions",
    { model, messages },
    { "Idempotency-Key": "x".repeat(300) },
  ],
  completions: (model) => ["/v1/completions", { model, prompt: "x", max_tokens: 1 }],
  "completions, ids beyond its context": (model) => ["/v1/completions", { model, prompt: Array(250_000).fill(1) }],
  embeddings: (model) => ["/v1/embeddings", { model, input: "x" }],
  text2sql: (model) => ["/text2sql", { model, messages }],
  "Azure's path": (model) => [`/openai/deployments/${encodeURIComponent(model)}/chat/completions`, { messages }],
  "Azure's path and another name": (model) => ["/openai/deployments/x/chat/completions", { model, messages }],
  "a client token": (model) => ["/v1/client-tokens", { models: [model] }],
  "the model's card": (model) => [`/v1/models/${model}`],
};

/** What a caller is answered, but for what differs between any two answers. */
async function ask(key: string, [path, body, headers]: ReturnType<(typeof doors)[string]>, name: string) {
  const get = { headers: { authorization: `Bearer ${key}` } };
  const response = await (body ? world.post(path, key, body, headers) : fetch(world.place.edge + path, get));
  const text = (await response.text()).replaceAll(name, "NAME").replaceAll(encodeURIComponent(name), "NAME");
  const met = Array.from(response.headers).filter(([header]) => header !== "x-request-id" && header !== "date");
  return { status: response.status, text, headers: met };
}

const listAll = async () => {
  const { key } = await world.newOrg();
  const response = await fetch(`${world.place.edge}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  return ((await response.json()) as { data: { id: string; aliases: string[] }[] }).data;
};

test("a model that one may not use is one that is not there, to the byte, at every door", async () => {
  const org = await world.newOrg();
  const { secret: key } = await world.newKey(org.id, { models: ["embed"] });
  const { secret: chatKey } = await world.newKey(org.id, { models: ["chat"] });
  const mint = async (by: string, body: object) =>
    ((await (await world.post("/v1/client-tokens", by, body)).json()) as { token: string }).token;
  const credentials = [key, await mint(key, {}), await mint(org.key, { models: ["embed"] })];
  const isTheirs = ({ aliases }: { aliases: string[] }) => aliases.includes("embed");
  const all = await listAll();
  const hidden = all.filter((model) => !isTheirs(model)).flatMap(({ id, aliases }) => [id, ...aliases]);
  const embedder = all.filter(isTheirs).flatMap(({ id, aliases }) => [id, ...aliases]);
  expect(hidden.length).toBeGreaterThan(2);
  const cases = [
    ...hidden.flatMap((name) => credentials.map((credential) => ({ name, credential }))),
    // One that serves another endpoint than is asked.
    ...embedder.map((name) => ({ name, credential: chatKey })),
  ];
  for (const [door, write] of Object.entries(doors)) {
    for (const { name, credential } of cases) {
      const twin = name.replace(/.$/, "_");
      const [there, nowhere] = [await ask(credential, write(name), name), await ask(credential, write(twin), twin)];
      if (door === "a client token" && credential !== key && credential !== chatKey) {
        expect(there.status).toBe(403);
      } else {
        expect([door, name, there.status]).toEqual([door, name, 404]);
        expect(JSON.parse(there.text).error).toMatchObject({ code: "model_not_found", type: "invalid_request_error" });
      }
      expect([door, name, there]).toEqual([door, name, nowhere]);
    }
  }
  expect(await world.settled(org.id)).toEqual([]);
});

test("a call that leaves its model out does not hear of the one that it may not use", async () => {
  const org = await world.newOrg();
  const { secret } = await world.newKey(org.id, { models: ["embed"] });
  for (const body of [{ messages }, { messages, max_tokens: 10 ** 8 }]) {
    const response = await world.post("/text2sql", secret, body);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: {
        message: "The model does not exist or you do not have access to it.",
        type: "invalid_request_error",
        param: "model",
        code: "model_not_found",
      },
    });
  }
});

test("who may use a model hears what is wrong, and a key that is no good hears of no model", async () => {
  const org = await world.newOrg();
  const long = { max_tokens: 10 ** 8 };
  expect(await (await world.chat(org.key, long)).json()).toMatchObject({ error: { code: "context_length_exceeded" } });
  const { id, secret } = await world.newKey(org.id);
  await world.must("POST", `/orgs/${org.id}/keys/${id}/revoke`);
  const answers = await Promise.all([
    world.chat(secret, { model: "none" }),
    world.chat(secret, long),
    world.chat(secret, { max_tokens: 1 }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
  expect(new Set(await Promise.all(answers.map((answer) => answer.text())))).toHaveProperty("size", 1);
});

test("the endpoint comes before the model, `models` is one, and minting needs none", async () => {
  const org = await world.newOrg();
  const { secret } = await world.newKey(org.id, { endpoints: ["embeddings"] });
  const wide = (body: object) => world.post("/v1/client-tokens", secret, body);
  const get = (path: string, key: string) =>
    fetch(world.place.edge + path, { headers: { authorization: `Bearer ${key}` } });
  const minted = await wide({});
  expect(minted.status).toBe(201);
  const { token } = (await minted.json()) as { token: string };
  for (const key of [secret, token]) {
    const refused = await Promise.all([
      get("/v1/models", key),
      get("/v1/models/chat", key),
      get("/v1/models/none", key),
      world.chat(key, { max_tokens: 1 }),
      world.chat(key, { model: "none" }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect(new Set(await Promise.all(refused.map((answer) => answer.text())))).toHaveProperty("size", 1);
    expect((await world.post("/v1/embeddings", key, { model: "embed", input: "x" })).status).toBe(200);
  }
  const tooWide = await wide({ endpoints: ["embeddings", "models"] });
  expect(tooWide.status).toBe(403);
  expect(await tooWide.json()).toMatchObject({ error: { code: "insufficient_permissions", param: "endpoints[1]" } });
});
