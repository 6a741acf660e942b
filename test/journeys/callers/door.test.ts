import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDemo } from "#infra/local/demo.ts";
import { startEdge, type RunningEdge } from "#infra/local/edge/edge.ts";
import { makeSecrets, makeSecretVars } from "#infra/local/secrets.ts";
import { defaultModels, root } from "#infra/local/stack.ts";
import { worldAt, type World } from "#test/support/stack/world.ts";

const stateDir = mkdtempSync(join(tmpdir(), "penstock-door-"));
const secrets = makeSecrets(["node_scripted"]);
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
    publicKey: secrets.nodeKeys["node_scripted"]!.x,
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

  test("of models, tells a key only those it may use; another is as one that is not there", async () => {
    const org = await world.newOrg();
    const narrow = await world.newKey(org.id, { models: ["chat"] });
    const ask = (id: string) =>
      fetch(`${edge.url}/v1/models/${id}`, { headers: { authorization: `Bearer ${narrow.secret}` } });
    expect((await ask("chat")).status).toBe(200);
    const [hidden, missing] = [await ask("embed"), await ask("gpt-4")];
    expect([hidden.status, missing.status]).toEqual([404, 404]);
    expect(await hidden.text()).toBe(await missing.text());
  });
});

describe("a gateway that is not configured", () => {
  const table: [string, (good: Record<string, string>) => Record<string, string>][] = [
    ["TAG_KEYS", (good) => Object.fromEntries(Object.entries(good).filter(([other]) => other !== "TAG_KEYS"))],
    ["NODES", (good) => ({ ...good, NODES: "[{}]" })],
    ["HOP_KEY", (good) => ({ ...good, HOP_KEY: JSON.stringify({ ...secrets.hopKey, d: "A".repeat(42) + "!" }) })],
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
          secrets.hopKey.d,
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
