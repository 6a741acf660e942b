import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listMethods, takesMethod } from "#edge/doors/route.ts";
import { routes } from "#edge/doors/routes.ts";
import { openDemo } from "#infra/local/demo.ts";
import { startEdge, type RunningEdge } from "#infra/local/edge/edge.ts";
import { makeSecrets, makeSecretVars } from "#infra/local/secrets.ts";
import { defaultModels, root } from "#infra/local/stack.ts";
import { worldAt, type World } from "#test/support/stack/world.ts";

const stateDir = mkdtempSync(join(tmpdir(), "penstock-door-"));
const secrets = makeSecrets();
const logs: string[] = [];
let edge: RunningEdge;
let world: World;
let vars: Record<string, string>;

/** A node whose answers a test writes itself. */
let answer: (response: ServerResponse) => void = (response) => void response.end();
const node = createServer((request, response) => void request.resume().on("end", () => answer(response)));

beforeAll(async () => {
  await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
  const models = defaultModels.map(({ id }) => id);
  const record = {
    id: "node_scripted",
    url: `http://127.0.0.1:${(node.address() as AddressInfo).port}`,
    tier: "shared",
    models,
  };
  vars = { MODELS: JSON.stringify(defaultModels), NODES: JSON.stringify([record]), ...makeSecretVars(secrets) };
  edge = await startEdge({ root, port: 0, stateDir, vars });
  const demo = await openDemo(stateDir, edge.url, secrets.bootstrapToken);
  world = worldAt({ edge: edge.url, adminKey: demo.adminKey, nodes: [], stateDir });
});
afterAll(async () => {
  node.closeAllConnections();
  node.close();
  await edge.close();
  rmSync(stateDir, { recursive: true, force: true });
});

describe("a whole answer", () => {
  const whole = (bytes: number) => JSON.stringify({ id: "chatcmpl-1", pad: "x".repeat(bytes) });
  const small = whole(1_000);
  const large = whole(700_000);
  const begin = (response: ServerResponse, text: string, bytes: number) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) });
    response.write(text.slice(0, bytes));
  };

  for (const [name, text] of [
    ["small", small],
    ["large", large],
  ] as const) {
    test(`that is ${name} reaches the caller byte for byte, with our headers and none of the node's`, async () => {
      answer = (response) =>
        void response
          .writeHead(200, {
            "content-type": "application/json",
            "content-length": String(Buffer.byteLength(text)),
            "set-cookie": "theirs=1",
            server: "theirs",
          })
          .end(text);
      const org = await world.newOrg();
      const response = await world.chat(org.key, { max_tokens: 2 });
      expect([response.status, await response.text()]).toEqual([200, text]);
      expect(response.headers.get("x-request-id")).toMatch(/^req_/);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(JSON.stringify([...response.headers])).not.toContain("theirs");
    });
  }

  test("whose origin dies in the middle is a clean 502 when it is small, in our words", async () => {
    answer = (response) => {
      begin(response, small, 500);
      setTimeout(() => response.destroy(), 50);
    };
    const org = await world.newOrg();
    const response = await world.chat(org.key, { max_tokens: 2 });
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { type: "server_error", code: "bad_gateway" } });
  });

  test("whose origin dies in the middle shows as cut when it is large: it is never taken for whole", async () => {
    answer = (response) => {
      begin(response, large, 400_000);
      setTimeout(() => response.destroy(), 200);
    };
    const org = await world.newOrg();
    await expect(world.chat(org.key, { max_tokens: 2 }).then((response) => response.text())).rejects.toThrow();
  });
});

describe("the door", () => {
  test("puts a request id on every answer, and tells probes that it is alive", async () => {
    for (const path of ["/livez", "/readyz", "/openapi.json", "/nonsense", "/v1/models", "/control/orgs"]) {
      expect((await fetch(edge.url + path)).headers.get("x-request-id"), path).toMatch(/^req_[0-9A-Za-z]{22}$/);
    }
    expect(await (await fetch(`${edge.url}/livez`)).json()).toEqual({ status: "alive" });
    expect(await (await fetch(`${edge.url}/readyz`)).json()).toEqual({ status: "ready" });
  });

  test("does not take a caller's request id for its own", async () => {
    const response = await fetch(`${edge.url}/livez`, { headers: { "x-request-id": "req_theirs" } });
    expect(response.headers.get("x-request-id")).not.toBe("req_theirs");
  });

  test("describes every path that it serves to engines, under the paths it really has", async () => {
    const { paths } = (await (await fetch(`${edge.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    for (const path of ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/text2sql"]) {
      expect(paths).toHaveProperty([path]);
      expect((await fetch(edge.url + path, { method: "POST", body: "{}" })).status, path).toBe(401);
      expect((await fetch(edge.url + path)).status, path).toBe(405);
    }
  });

  test("lets browsers read our headers on answers and on refusals, from any origin, without credentials", async () => {
    const response = await fetch(`${edge.url}/v1/models`, { headers: { origin: "https://app.example" } });
    expect(response.status).toBe(401);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    const exposed = response.headers.get("access-control-expose-headers")?.split(/, ?/) ?? [];
    for (const name of ["x-request-id", "retry-after", "x-ratelimit-remaining-tokens", "x-penstock-hold"])
      expect(exposed).toContain(name);
    expect(
      (await fetch(`${edge.url}/control/orgs`, { headers: { origin: "https://app.example" } })).headers.get(
        "access-control-allow-origin",
      ),
    ).toBeNull();
  });

  test("writes for browsers only to who sends an Origin: on answers, refusals and paths that are none", async () => {
    const { key } = await world.newOrg();
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const body = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "hi" }], max_tokens: 2 });
    const calls: [string, RequestInit, number][] = [
      ["/v1/chat/completions", { method: "POST", headers, body }, 200],
      ["/v1/chat/completions", { method: "POST", headers, body: "{" }, 400],
      ["/v1/chat/completions", { method: "POST", body }, 401],
      ["/v1/models", { headers }, 200],
      ["/v1/nothing", { headers }, 404],
    ];
    for (const [path, init, status] of calls) {
      const plain = await fetch(edge.url + path, init);
      const page = await fetch(edge.url + path, {
        ...init,
        headers: { ...init.headers, origin: "https://app.example" },
      });
      expect([plain.status, page.status], path).toEqual([status, status]);
      expect([plain.headers.get("vary"), page.headers.get("vary")], path).toEqual(["origin", "origin"]);
      expect(Array.from(plain.headers.keys()).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      expect(page.headers.get("access-control-allow-origin"), path).toBe("*");
      expect(page.headers.get("access-control-expose-headers"), path).toContain("x-request-id");
    }
  });

  test("of models, shows a key only those it may use; any other looks as if it did not exist", async () => {
    const org = await world.newOrg();
    const narrow = await world.newKey(org.id, { models: ["chat"] });
    const ask = (id: string) =>
      fetch(`${edge.url}/v1/models/${id}`, { headers: { authorization: `Bearer ${narrow.secret}` } });
    expect((await ask("chat")).status).toBe(200);
    const [hidden, missing] = [await ask("embed"), await ask("gpt-4")];
    expect([hidden.status, missing.status]).toEqual([404, 404]);
    const [one, other] = [await hidden.text(), await missing.text()];
    expect(other).toContain("The model 'gpt-4' does not exist");
    expect(one).toBe(other.replace("gpt-4", "embed"));
  });
});

describe("the route table", () => {
  const at = (path: string) => path.replace("{id...}", "chat").replace(/\{[^}]+\}/g, "x");

  test("is what is really served: every method of every row reaches something that answers", async () => {
    for (const { path, operations } of routes) {
      for (const method of Object.keys(operations)) {
        const response = await fetch(edge.url + at(path), { method, ...(method === "GET" ? {} : { body: "{}" }) });
        expect([method, path, response.status]).not.toEqual([method, path, 405]);
        const text = await response.text();
        // An issuer that is not set up is found to be none by what answers there.
        const isNamed = path.startsWith("/auth/callback/") && text.includes('"not_found"');
        if (!isNamed) expect([method, path, response.status]).not.toEqual([method, path, 404]);
      }
    }
  });

  test("is what 405 reports: `Allow` on every path, for every method that it does not take", async () => {
    for (const route of routes) {
      const allowed = listMethods(route).join(", ");
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((name) => !takesMethod(route, name))) {
        const response = await fetch(edge.url + at(route.path), { method });
        expect([method, route.path, response.status]).toEqual([method, route.path, 405]);
        expect([route.path, response.headers.get("allow")]).toEqual([route.path, allowed]);
        const refused = await response.json();
        const error = { code: "method_not_allowed", param: null };
        expect(refused).toMatchObject(route.path.startsWith("/api/") ? error : { error });
      }
      const asked = await fetch(edge.url + at(route.path), { method: "OPTIONS" });
      expect([route.path, asked.status, asked.headers.get("allow")]).toEqual([route.path, 204, allowed]);
    }
  });

  test("answers HEAD as GET, without a body, and refuses it where there is no GET", async () => {
    for (const [path, status] of [
      ["/livez", 200],
      ["/openapi.json", 200],
      ["/v1/models", 401],
      ["/v1/chat/completions", 405],
      ["/nothing", 404],
    ] as const) {
      const response = await fetch(edge.url + path, { method: "HEAD" });
      expect([path, response.status, await response.text()]).toEqual([path, status, ""]);
      expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    }
  });

  test("is named in a 404, with the path that may have been meant; nothing of a query is repeated", async () => {
    const response = await fetch(`${edge.url}/api/v1/chat/completions?key=sk-pen-x`, { method: "POST", body: "{}" });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: {
        code: "unknown_url",
        message: "Unknown request URL: POST /api/v1/chat/completions. Did you mean /v1/chat/completions?",
      },
    });
  });
});

describe("a slip in the base URL", () => {
  const whole = JSON.stringify({ id: "chatcmpl-1", choices: [] });
  const post = (path: string, key: string, body: Record<string, unknown>) =>
    fetch(edge.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ role: "user", content: "hi" }], max_tokens: 2, ...body }),
    });

  beforeAll(() => {
    answer = (response) =>
      void response
        .writeHead(200, { "content-type": "application/json", "content-length": String(whole.length) })
        .end(whole);
  });

  test("is served as what it must mean", async () => {
    const org = await world.newOrg();
    for (const path of [
      "/v1/chat/completions/",
      "//v1/chat/completions",
      "/chat/completions",
      "/v1/v1/chat/completions",
      "/openai/v1/chat/completions?api-version=2024-10-21",
    ]) {
      const response = await post(path, org.key, { model: "chat" });
      expect([path, response.status, await response.text()]).toEqual([path, 200, whole]);
    }
    for (const path of ["/v1/models/", "//v1/models", "/models", "/v1/v1/models", "/openai/models?api-version=1"]) {
      const response = await fetch(edge.url + path, { headers: { "api-key": org.key } });
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.json()).toMatchObject({ object: "list" });
    }
  });

  test("in Azure's form names the model; a body that names another one is refused", async () => {
    const org = await world.newOrg();
    const path = "/openai/deployments/chat/chat/completions?api-version=2024-10-21";
    for (const body of [{}, { model: "chat" }]) {
      const response = await post(path, org.key, body);
      expect([response.status, await response.text()]).toEqual([200, whole]);
    }
    const other = await post(path, org.key, { model: "embed" });
    expect(other.status).toBe(400);
    expect(await other.json()).toMatchObject({ error: { param: "model", code: "invalid_value" } });
    const unknown = await post(path.replace("/chat/chat", "/gpt-4/chat"), org.key, {});
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { code: "model_not_found" } });
  });

  test("opens nothing that is not a caller's (S7)", async () => {
    for (const path of ["//control/orgs", "/v1/control/orgs", "/control/orgs/", "/v1/..;/control/orgs"]) {
      const headers = { authorization: `Bearer ${world.place.adminKey}` };
      const response = await fetch(edge.url + path, { headers });
      expect([path, response.status]).toEqual([path, 404]);
    }
  });
});

describe("GET /", () => {
  test("answers a browser with a page, and anybody else with JSON that says where the API is", async () => {
    const page = await fetch(edge.url, { headers: { accept: "text/html" } });
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await page.text()).toContain("/v1/chat/completions");
    expect(await (await fetch(edge.url)).json()).toMatchObject({ baseUrl: expect.stringMatching(/\/v1$/) });
  });
});

describe("a key that is no good here", () => {
  const ask = async (path: string, key?: string) => {
    const response = await fetch(edge.url + path, {
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });
    const { error } = (await response.json()) as { error: { message: string; code: string } };
    expect([response.status, error.code]).toEqual([401, "invalid_api_key"]);
    return error.message;
  };

  test("is explained where its form alone shows it", async () => {
    const org = await world.newOrg();
    expect(await ask("/v1/models")).toMatch(/^No API key was sent/);
    expect(await ask("/v1/models", world.place.adminKey)).toMatch(/^This is an admin key/);
    expect(await ask("/control/orgs")).toMatch(/^No key was sent/);
    expect(await ask("/control/orgs", org.key)).toMatch(/^This is an inference key/);
    expect(await ask("/v1/models", "sk-pen-x")).toBe("Incorrect API key provided.");
  });
});

describe("a gateway that is not configured", () => {
  const table: [string, (good: Record<string, string>) => Record<string, string>][] = [
    ["TAG_KEYS", (good) => Object.fromEntries(Object.entries(good).filter(([other]) => other !== "TAG_KEYS"))],
    ["NODES", (good) => ({ ...good, NODES: "[{}]" })],
    ["TOKEN_KEY", (good) => ({ ...good, TOKEN_KEY: JSON.stringify({ ...secrets.tokenKey, d: "A".repeat(42) + "!" }) })],
    ["NODE_MASTER_KEYS", (good) => ({ ...good, NODE_MASTER_KEYS: JSON.stringify({ n1: "short" }) })],
  ];
  for (const [name, spoil] of table) {
    test(`by ${name} serves nothing: every path is refused, and the log names it without a value`, async () => {
      logs.length = 0;
      const given = spoil(vars);
      const broken = await startEdge({
        root,
        port: 0,
        stateDir: mkdtempSync(join(stateDir, "broken-")),
        vars: given,
        log: (line) => void logs.push(line),
      });
      try {
        for (const path of ["/v1/models", "/control/orgs", "/readyz", "/openapi.json"]) {
          const response = await fetch(broken.url + path, {
            headers: { authorization: `Bearer ${world.place.adminKey}` },
          });
          expect(response.status, path).toBe(500);
          expect(await response.json()).toMatchObject({ error: { type: "server_error", code: "misconfigured" } });
        }
        expect(logs.join("\n")).toContain(name);
        for (const secret of [
          secrets.tokenKey.d,
          ...Object.values(secrets.nodeMasterKeys),
          secrets.bootstrapToken,
          ...Object.values(secrets.tagKeys),
          ...Object.values(secrets.peppers),
        ])
          expect(logs.join("\n")).not.toContain(secret);
      } finally {
        await broken.close();
      }
    });
  }
});
