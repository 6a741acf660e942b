import { z } from "@hono/zod-openapi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listReached, type ReachedRoute } from "#test/support/people/reached-routes.ts";
import { badSessions, insertUsage, openWorld, type Answer, type Asking, type Json, type World } from "./world.ts";

/** S4 and S5 over the OpenAPI document: an endpoint that is added joins these tests by being added. */
interface Operation extends ReachedRoute {
  body: Record<string, unknown> | null;
}

const spend = { interval: "month", currency: "EUR", threshold_amount: 100 };
const alert = { ...spend, notification_channel: { type: "email", recipients: [] } };

/** A body that is accepted, for each operation that has one. An operation that is missing here fails the first test. */
const goodBodies: Record<string, Record<string, unknown>> = {
  "POST /control/bootstrap": {},
  "POST /control/operators": { email: "new@example.test" },
  "DELETE /control/operators/{user}": {},
  "POST /control/orgs": { name: "New" },
  "PATCH /control/orgs/{org}": { name: "Renamed" },
  "PUT /control/orgs/{org}/response-retention": { hours: 24 },
  "POST /control/orgs/{org}/keys": { name: "New" },
  "PATCH /control/orgs/{org}/keys/{key}": { name: "Renamed" },
  "POST /control/orgs/{org}/keys/{key}/rotate": { overlapSeconds: 60 },
  "POST /control/orgs/{org}/keys/{key}/revoke": {},
  "POST /control/orgs/{org}/move": { placement: "own" },
  "POST /control/orgs/{org}/budgets": { amountMicros: 1_000_000 },
  "PATCH /control/orgs/{org}/budgets/{budget}": { amountMicros: 2_000_000 },
  "POST /control/prices": {
    model: "qwen-chat",
    tier: "shared",
    promptMicrosPerMTok: 1,
    completionMicrosPerMTok: 1,
    from: "2099-01-01T00:00:00Z",
  },
  "DELETE /control/orgs/{org}": {},
  "PATCH /control/orgs/{org}/members/{user}": { role: "viewer" },
  "DELETE /control/orgs/{org}/members/{user}": {},
  "POST /control/orgs/{org}/leave": {},
  "POST /control/orgs/{org}/invitations": { email: "new@example.test", role: "viewer" },
  "POST /control/orgs/{org}/invitations/{invitation}/resend": {},
  "DELETE /control/orgs/{org}/invitations/{invitation}": {},
  "POST /control/invitations/accept": { token: "x" },
  "POST /control/orgs/{org}/company-login": {
    name: "New",
    issuer: "https://hooks.example.test/",
    clientId: "penstock",
    secret: "FAKE-client-secret",
  },
  "PATCH /control/orgs/{org}/company-login": { name: "Renamed" },
  "DELETE /control/orgs/{org}/company-login": {},
  "POST /control/orgs/{org}/company-login/test": {},
  "POST /control/orgs/{org}/company-login/domains": { domain: "example.test" },
  "DELETE /control/orgs/{org}/company-login/domains/{domain}": {},
  "POST /control/orgs/{org}/company-login/domains/{domain}/prove": {},
  "POST /control/orgs/{org}/projects": { name: "New" },
  "PATCH /control/orgs/{org}/projects/{project}": { name: "Renamed" },
  "POST /control/orgs/{org}/service-accounts": { name: "New" },
  "PATCH /control/orgs/{org}/service-accounts/{serviceAccount}": { name: "Renamed" },
  "DELETE /control/orgs/{org}/service-accounts/{serviceAccount}": {},
  "POST /control/orgs/{org}/webhooks": { url: "https://hooks.example.test/" },
  "PATCH /control/orgs/{org}/webhooks/{webhook}": { description: "Renamed" },
  "DELETE /control/orgs/{org}/webhooks/{webhook}": {},
  "POST /control/orgs/{org}/webhooks/{webhook}/rotate": { overlapSeconds: 60 },
  "POST /control/orgs/{org}/webhooks/{webhook}/test": {},
  "POST /control/orgs/{org}/deliveries/{delivery}/redeliver": {},
  "POST /v1/organization/projects": { name: "New" },
  "POST /v1/organization/projects/{project}": { name: "Renamed" },
  "POST /v1/organization/projects/{project}/archive": {},
  "POST /v1/organization/projects/{project}/rate_limits/{rateLimit}": { max_requests_per_1_minute: 5 },
  "POST /v1/organization/projects/{project}/api_keys/{key}": { expires_in_seconds: 60 },
  "DELETE /v1/organization/projects/{project}/api_keys/{key}": {},
  "POST /v1/organization/projects/{project}/service_accounts": { name: "New" },
  "POST /v1/organization/projects/{project}/service_accounts/{serviceAccount}": { name: "Renamed" },
  "DELETE /v1/organization/projects/{project}/service_accounts/{serviceAccount}": {},
  "POST /v1/organization/projects/{project}/service_accounts/{serviceAccount}/api_keys": { name: "New" },
  "POST /v1/organization/projects/{project}/data_retention": { retention_type: "organization_default" },
  "POST /v1/organization/projects/{project}/spend_limit": spend,
  "DELETE /v1/organization/projects/{project}/spend_limit": {},
  "POST /v1/organization/projects/{project}/spend_alerts": alert,
  "POST /v1/organization/projects/{project}/spend_alerts/{alert}": alert,
  "DELETE /v1/organization/projects/{project}/spend_alerts/{alert}": {},
  "POST /v1/organization/users/{user}": { role: "reader" },
  "DELETE /v1/organization/users/{user}": {},
  "POST /v1/organization/users/{user}/roles": { role_id: "role_viewer" },
  "DELETE /v1/organization/users/{user}/roles/{role}": {},
  "POST /v1/organization/invites": { email: "new@example.test", role: "reader" },
  "DELETE /v1/organization/invites/{invite}": {},
  "POST /v1/organization/admin_api_keys": { name: "New" },
  "DELETE /v1/organization/admin_api_keys/{key}": {},
  "POST /v1/organization/spend_limit": spend,
  "DELETE /v1/organization/spend_limit": {},
  "POST /v1/organization/spend_alerts": alert,
  "POST /v1/organization/spend_alerts/{alert}": alert,
  "DELETE /v1/organization/spend_alerts/{alert}": {},
  "POST /v1/organization/data_retention": { retention_type: "modified_abuse_monitoring" },
};
/** What people alone may do, and no key. */
const forPeople = ["/control/orgs/{org}/leave", "/control/invitations/accept"];
const none = "0".repeat(22);

/** What else paths name: things of org A, and somebody who is nobody. */
const named: Record<string, string> = {
  user: "user_0123456789012345678901",
  invitation: `inv_${none}`,
  project: `proj_${none}`,
  serviceAccount: `sa_${none}`,
  invite: `inv_${none}`,
  role: "role_viewer",
  rateLimit: "rate_limit_all",
  alert: `alert_bud_${none}_50`,
  domain: "example.test",
};
let world: World;
let versionOfA: number;
let document: Json;
const reached = listReached();
let operations: Operation[];

beforeAll(async () => {
  world = await openWorld();
  document = (await world.ask("GET", "/openapi.json", { key: null })).body;
  operations = reached.map((route) => {
    const { method, path } = route;
    const good = goodBodies[`${method} ${path}`];
    if (document.paths[path][method.toLowerCase()].requestBody && !good)
      throw new RangeError(`${method} ${path} needs a good body here`);
    return { ...route, body: good ?? null };
  });
  const ask = async (path: string, body: object) =>
    (await world.ask("POST", `/control/orgs/${world.a.org}${path}`, { key: world.a.admin, body })).body.id;
  named["webhook"] = await ask("/webhooks", { url: "https://hooks.example.test/" });
  named["delivery"] = await ask(`/webhooks/${named["webhook"]}/test`, {});
  named["budget"] = await ask("/budgets", { amountMicros: 1_000_000 });
  versionOfA = (await world.select("SELECT version FROM orgs WHERE id = ?", world.a.org))[0]?.["version"];
});
afterAll(() => world.close());

const send = (
  operation: Operation,
  ids: { org: string; keyId: string },
  key: string | null,
  body: unknown = operation.body,
): Promise<Answer> => askOn(operation, ids, { key, ...(body !== null && { body }) });

const askOn = (operation: Operation, ids: { org: string; keyId: string }, asking: Asking): Promise<Answer> =>
  world.ask(operation.method, fill(operation.path, ids), {
    ...asking,
    headers: { ...asking.headers, ...operation.nameOrg(ids.org) },
  });

const fill = (path: string, { org, keyId: key }: { org: string; keyId: string }) =>
  path.replaceAll(/\{(\w+)\}/g, (step, name: string) => ({ ...named, org, key })[name] ?? step);

const needsAdmin = () => operations.filter(({ path }) => path !== "/control/bootstrap");

describe("every endpoint", () => {
  it("is in the document, with a body that these tests know", () => {
    expect(operations.length).toBeGreaterThan(20);
    const bodies = operations.filter(({ body }) => body !== null).map(({ method, path }) => `${method} ${path}`);
    expect(bodies.toSorted()).toEqual(Object.keys(goodBodies).toSorted());
  });

  it("answers the same 401 to every credential that is no good", async () => {
    for (const operation of needsAdmin()) {
      const answers = await badSessions(world, (key) => send(operation, world.a, key));
      for (const answer of answers) {
        expect(answer.status).toBe(401);
        expect(answer.text).toBe(answers[0]?.text);
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
        expect(answer.body.error.code).toBe("invalid_api_key");
      }
    }
  });

  it("gives org B's admin the same 404 for org A's objects as for ones that do not or cannot exist (S4)", async () => {
    await insertUsage(world, { org: world.a.org, key: world.a.keyId });
    for (const operation of needsAdmin().filter(({ isInOrg }) => isInOrg)) {
      const foreign = await send(operation, world.a, world.b.admin);
      const unknown = await send(operation, { org: "org_0000000000", keyId: "key_0000000000000000" }, world.b.admin);
      const absurd = await send(operation, { org: "org_'--", keyId: "%00" }, world.b.admin);
      expect([operation.path, foreign.status]).toEqual([operation.path, 404]);
      expect(unknown.text).toBe(foreign.text);
      expect(absurd.text).toBe(foreign.text);
      expect(foreign.body.error.code).toBe("not_found");
    }
  });

  it("answers the same 404 for a key of org A reached through org B", async () => {
    for (const operation of needsAdmin().filter(({ path }) => path.includes("{key}"))) {
      const foreign = await send(operation, { org: world.b.org, keyId: world.a.keyId }, world.b.admin);
      const unknown = await send(operation, { org: world.b.org, keyId: "key_0000000000000000" }, world.b.admin);
      expect([operation.path, foreign.status]).toEqual([operation.path, 404]);
      expect(unknown.text).toBe(foreign.text);
      const byOperator = await send(operation, { org: world.b.org, keyId: world.a.keyId }, world.operator.key);
      expect(byOperator.text).toBe(foreign.text);
    }
  });

  it("changed nothing of org A on the way", async () => {
    const [org] = await world.select("SELECT name, version FROM orgs WHERE id = ?", world.a.org);
    expect(org).toEqual({ name: "Org A", version: versionOfA });
    const [key] = await world.select("SELECT revoked_at_ms, version FROM keys WHERE id = ?", world.a.keyId);
    expect(key).toEqual({ revoked_at_ms: null, version: 1 });
  });

  it("has a body that takes no column but those it names, of any table (S5)", async () => {
    const names = await listHostile();
    expect(names.length).toBeGreaterThan(100);
    for (const operation of operations.filter(({ body }) => body !== null)) {
      const { schema, fields } = readBody(operation);
      expect([operation.path, schema.safeParse(operation.body).success]).toEqual([operation.path, true]);
      for (const name of names.filter((column) => !fields.includes(column))) {
        const { error } = schema.safeParse({ ...operation.body, [name]: 1 });
        const unknown = error?.issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : []));
        expect([operation.path, unknown]).toEqual([operation.path, [name]]);
      }
    }
  });

  it("refuses such a body before it changes anything, and names the member (S5)", async () => {
    const names = await listHostile();
    const before = await snapshot();
    const owner = await world.signIn(world.a.org, "owner");
    for (const [at, operation] of operations.filter(({ body }) => body !== null).entries()) {
      const key = operation.path === "/control/bootstrap" ? world.control.bootstrapToken : world.operator.key;
      // Some of the names for each: all of them are tried on every schema above.
      const hostile = names.filter((name, i) => i % 40 === at % 40 && !readBody(operation).fields.includes(name));
      for (const name of hostile) {
        const body = { ...operation.body, [name]: 1 };
        const asking = forPeople.includes(operation.path) ? { ...owner, body } : { key, body };
        const answer = await askOn(operation, world.a, asking);
        const refused = [operation.path, answer.status, answer.body.error?.param];
        expect(refused).toEqual([operation.path, 400, name]);
      }
    }
    expect(await snapshot()).toEqual(before);
  });

  it("refuses `__proto__` in a body", async () => {
    const answer = await world.ask("POST", "/control/orgs", {
      rawBody: '{"name":"x","__proto__":{"plan":"enterprise"}}',
    });
    expect(answer.status).toBe(400);
  });

  it("refuses unknown, repeated and empty query fields where it takes a query", async () => {
    for (const path of ["/control/orgs", `/control/orgs/${world.a.org}/keys`, `/control/orgs/${world.a.org}/usage`]) {
      for (const query of [
        "org=org_0000000000",
        "limit=1&limit=2",
        "limit=",
        "limit=0",
        "limit=1001",
        "limit=1e2",
        "limit=-1",
        "cursor=",
        "cursor=x",
        "cursor=1.org_x' OR 1",
      ]) {
        const answer = await world.ask("GET", `${path}?${query}`);
        expect([query, answer.status, answer.body.error?.code]).toEqual([query, 400, "invalid_value"]);
      }
    }
  });

  it("is never stored by caches, whether it answers or refuses", async () => {
    for (const key of [world.operator.key, null]) {
      expect((await world.ask("GET", "/control/orgs", { key })).headers.get("cache-control")).toBe("no-store");
    }
  });

  it("is unknown beyond the table of contents", async () => {
    expect((await world.ask("GET", "/control/nothing")).body.error.code).toBe("unknown_url");
    expect((await world.ask("PUT", `/control/orgs/${world.a.org}`)).body.error.code).toBe("unknown_url");
    expect((await world.ask("GET", "/control/nothing", { key: null })).status).toBe(401);
  });

  it("keeps a write alive when its caller leaves", async () => {
    const before = world.pending.length;
    await world.ask("PATCH", `/control/orgs/${world.b.org}`, { body: { name: "Org B" } });
    await world.ask("GET", "/control/orgs");
    expect(world.pending.length).toBe(before + 1);
  });
});

describe("a suspended org", () => {
  const suspend = (isSuspended: boolean) =>
    world.ask("PATCH", `/control/orgs/${world.a.org}`, { body: { isSuspended } });

  it("is read by its admin keys, at every endpoint, and changed at none", async () => {
    const read = needsAdmin().filter(({ method }) => method === "GET");
    const written = needsAdmin().filter(({ method }) => method !== "GET");
    expect(written.length).toBeGreaterThan(5);
    const before = await Promise.all(read.map((operation) => send(operation, world.a, world.a.admin)));
    await suspend(true);
    const stored = await snapshot();
    const after = await Promise.all(read.map((operation) => send(operation, world.a, world.a.admin)));
    expect(after.map(({ status }) => status)).toEqual(before.map(({ status }) => status));
    expect(before.map(({ status }) => status)).toContain(200);
    for (const operation of written) {
      // Its own objects, another's and none: the answer is the same.
      for (const ids of [world.a, world.b, { org: "org_0000000000", keyId: "key_0000000000000000" }]) {
        const answer = await send(operation, ids, world.a.admin);
        expect([operation.path, answer.status]).toEqual([operation.path, 403]);
        expect(answer.body.error).toEqual({
          message: "The organization is suspended; its admin keys may only read.",
          type: "permission_error",
          param: null,
          code: "org_suspended",
        });
      }
    }
    expect(await snapshot()).toEqual(stored);
    await suspend(false);
    const name = await world.ask("POST", `/control/orgs/${world.a.org}/keys`, {
      key: world.a.admin,
      body: { name: "x" },
    });
    expect(name.status).toBe(201);
  });

  it("is an operator's to change, and an operator's own org closes no operator out", async () => {
    await suspend(true);
    const operation = { body: { name: "by an operator" } };
    expect((await world.ask("POST", `/control/orgs/${world.a.org}/keys`, operation)).status).toBe(201);
    expect((await suspend(false)).status).toBe(200);
    const own = (isSuspended: boolean) =>
      world.ask("PATCH", `/control/orgs/${world.operator.org}`, { body: { isSuspended } });
    expect([(await own(true)).status, (await own(false)).status]).toEqual([200, 200]);
  });
});

describe("the document", () => {
  it("says which fields are required, and that no others are taken", async () => {
    const { body: document } = await world.ask("GET", "/openapi.json", { key: null });
    expect(document.components.schemas.KeyCreate).toMatchObject({ required: ["name"], additionalProperties: false });
    expect(document.components.schemas.KeyRotate).toMatchObject({
      required: ["overlapSeconds"],
      additionalProperties: false,
    });
    expect(document.security).toEqual([{ adminKey: [] }, { session: [] }]);
    expect(document.paths["/control/bootstrap"].post.security).toEqual([{ bootstrapToken: [] }]);
  });
});

/** Columns of our tables, as SQL and as answers spell them, and what else somebody might try. */
async function listHostile(): Promise<string[]> {
  const tables = [
    "orgs",
    "keys",
    "usage",
    "members",
    "invitations",
    "projects",
    "service_accounts",
    "webhooks",
    "budgets",
    "company_logins",
    "login_domains",
  ];
  const rows = await Promise.all(tables.map((table) => world.select(`SELECT name FROM pragma_table_info('${table}')`)));
  const columns = [...new Set(rows.flat().map(({ name }) => String(name)))];
  const camel = columns.map((column) => column.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()));
  return [...new Set([...columns, ...camel, "secret", "price", "status", "createdBy", "constructor", "toString"])];
}

/** The schema of an operation's body, and the members that the document gives it. */
function readBody({ method, path }: Operation): { schema: z.ZodType; fields: string[] } {
  const found = reached.find((route) => route.path === path && route.method === method);
  const schema = found?.route.request?.body?.content["application/json"];
  if (!schema || !("schema" in schema) || !(schema.schema instanceof z.ZodType)) throw new RangeError(path);
  const written = document.paths[path][method.toLowerCase()].requestBody.content["application/json"].schema;
  const named = written.$ref ? document.components.schemas[written.$ref.split("/").at(-1)] : written;
  return { schema: schema.schema, fields: Object.keys(named.properties ?? {}) };
}

const snapshot = async () => ({
  orgs: await world.select("SELECT * FROM orgs ORDER BY id"),
  keys: await world.select("SELECT * FROM keys ORDER BY id"),
});
