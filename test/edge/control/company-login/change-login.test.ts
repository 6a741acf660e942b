import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openWorld, type World } from "../http/world.ts";

let world: World;
let org: string;
let key: string;
const issuer = "https://hooks.example.test/realm";
const body = { name: "Company", issuer, clientId: "penstock", secret: "FAKE-client-secret" };

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  ({ org, admin: key } = await world.openOrg("Company"));
});

const path = (rest = "") => `/control/orgs/${org}/company-login${rest}`;
const ask = (method: string, rest = "", sent?: object, headers = {}) =>
  world.ask(method, path(rest), { key, headers, ...(sent && { body: sent }) });
const prove = async (domain = `${org.slice(4).toLowerCase()}.example.test`) => {
  await ask("POST", "/domains", { domain });
  await world.ask("POST", path(`/domains/${domain}/prove`), { body: { isApproved: true } });
  return domain;
};
/** As somebody's coming by it would. */
const use = () => world.select("UPDATE company_logins SET used_at_ms = 1 WHERE org = ?", org);

test("an admin sets the company login, once; its secret is sealed and shown to nobody", async () => {
  expect((await ask("GET")).status).toBe(404);
  const made = await ask("POST", "", { ...body, provesSecondFactor: true, defaultRole: "viewer" });
  expect([made.status, made.headers.get("etag")]).toEqual([201, '"1"']);
  const { id } = made.body;
  expect(made.body).toMatchObject({
    name: "Company",
    issuer,
    clientId: "penstock",
    provesSecondFactor: true,
    defaultRole: "viewer",
    redirectUri: `http://edge.test/auth/callback/${id}`,
    isRequired: false,
    domains: [],
    lastUsedAt: null,
    version: 1,
  });
  expect((await ask("GET")).body).toEqual(made.body);
  expect((await ask("POST", "", body)).body.error.code).toBe("conflict");
  const stored = JSON.stringify(await world.select("SELECT * FROM company_logins"));
  const log = JSON.stringify((await world.ask("GET", `/control/orgs/${org}/audit`, { key })).body);
  for (const text of [made.text, stored, log, world.logs.join()]) expect(text).not.toContain(body.secret);
});

test("each change is in the log and an event, and of two at once one is refused", async () => {
  const { id } = (await ask("POST", "", body)).body;
  const answers = await Promise.all(["One", "Two"].map((name) => ask("PATCH", "", { name }, { "if-match": '"1"' })));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 409 || status === 412)).toHaveLength(1);
  expect((await ask("PATCH", "", { name: "Three" }, { "if-match": '"1"' })).status).toBe(412);
  expect((await ask("PATCH", "", { secret: "FAKE-other-secret" })).body.version).toBe(3);
  expect((await ask("PATCH", "", {})).body.error.code).toBe("invalid_value");
  expect((await ask("DELETE", "", {})).body).toEqual({ id, isDeleted: true });
  expect((await ask("DELETE", "", {})).status).toBe(404);
  const { entries } = (await world.ask("GET", `/control/orgs/${org}/audit`, { key })).body;
  const told = entries.filter(({ action }: { action: string }) => action.startsWith("login."));
  expect(told.map(({ action, target }: Record<string, string>) => [action, target])).toEqual([
    ["login.deleted", id],
    ["login.changed", id],
    ["login.changed", id],
    ["login.created", id],
  ]);
  expect(told[1].after).toEqual({ isSecretNew: true });
  const { events } = (await world.ask("GET", `/control/orgs/${org}/events?type=login.changed`, { key })).body;
  expect(events.map(({ data }: { data: object }) => data)).toEqual(
    ["deleted", "changed", "changed", "created"].map((change) => ({ login: id, change })),
  );
});

test("an issuer that leads into a network of ours is refused", async () => {
  world.web.addresses.set("inside.example.test", ["10.0.0.1"]);
  for (const bad of ["http://hooks.example.test", "https://127.0.0.1", "https://inside.example.test", "https://x"]) {
    const { status, body: said } = await ask("POST", "", { ...body, issuer: bad });
    expect([bad, status, said.error.param]).toEqual([bad, 400, "issuer"]);
  }
  await ask("POST", "", body);
  expect((await ask("PATCH", "", { issuer: "https://inside.example.test" })).body.error.param).toBe("issuer");
});

test("it is required only once somebody has come by it, and it lets somebody in", async () => {
  await ask("POST", "", body);
  const early = await ask("PATCH", "", { isRequired: true });
  expect([early.status, early.body.error.message]).toEqual([
    409,
    "Sign in by the company login once, before it is required.",
  ]);
  await use();
  expect((await ask("PATCH", "", { isRequired: true })).status).toBe(409);
  const domain = await prove();
  expect((await ask("PATCH", "", { isRequired: true })).body.isRequired).toBe(true);
  // What it lets people in by stays while it is required.
  expect((await ask("DELETE", `/domains/${domain}`, {})).status).toBe(409);
  expect((await ask("PATCH", "", { issuer: `${issuer}/other` })).status).toBe(409);
  // The operator lifts it, whoever else cannot.
  expect((await world.ask("PATCH", path(), { body: { isRequired: false } })).body.isRequired).toBe(false);
  expect((await ask("PATCH", "", { issuer: `${issuer}/other` })).body.lastUsedAt).toBe(null);
  expect((await ask("PATCH", "", { isRequired: true })).status).toBe(409);
});

test("of two that require it and give up its last domain at once, one comes through", async () => {
  await ask("POST", "", body);
  const domain = await prove();
  await use();
  const [required, removed] = await Promise.all([
    ask("PATCH", "", { isRequired: true }),
    ask("DELETE", `/domains/${domain}`, {}),
  ]);
  expect([required.status, removed.status].toSorted()).toEqual([200, 409]);
});

test("members who must come by it do nothing otherwise, but for owners with a second factor", async () => {
  await ask("POST", "", body);
  await prove();
  await use();
  const people = {
    developer: await world.signIn(org, "developer", { hasSecondFactor: true }),
    owner: await world.signIn(org, "owner"),
    strongOwner: await world.signIn(org, "owner", { hasSecondFactor: true }),
    company: await world.signIn(org, "developer", { onlyOrg: org }),
  };
  await ask("PATCH", "", { isRequired: true });
  const reached = await Promise.all(
    Object.values(people).map(async (asking) => (await world.ask("GET", `/control/orgs/${org}`, asking)).status),
  );
  expect(reached).toEqual([403, 403, 200, 200]);
  const seen = await Promise.all(
    Object.values(people).map(async (asking) => {
      const [home] = (await world.ask("GET", "/control/whoami", asking)).body.orgs;
      return [home.requiresLogin, home.actions.length > 0];
    }),
  );
  expect(seen).toEqual([
    [true, false],
    [true, false],
    [true, true],
    [true, true],
  ]);
  // Keys are programs': they go on.
  expect((await ask("GET")).status).toBe(200);
  await ask("DELETE", "", {});
  expect((await world.ask("GET", `/control/orgs/${org}`, people.developer)).status).toBe(200);
});

test("another issuer, or client, forgets whom the one before knew, and ends what it began", async () => {
  const { id } = (await ask("POST", "", body)).body;
  const { user } = await world.signIn(org, "developer");
  const begin = async () => {
    await world.select(
      "INSERT INTO auth_accounts VALUES (?, ?, ?, 'subject', NULL, 1, 1)",
      `account of ${user}`,
      user,
      id,
    );
    await world.select(
      `INSERT INTO auth_sessions (id, user_id, token_digest, expires_at_ms, created_at_ms, updated_at_ms, only_org)
       VALUES (?1, ?1, ?1, 9, 9, 9, ?2)`,
      user,
      org,
    );
  };
  const count = async () =>
    (
      await world.select(
        `SELECT (SELECT count(*) FROM auth_accounts WHERE provider_id = ?) AS accounts,
           (SELECT count(*) FROM auth_sessions WHERE only_org = ?) AS sessions`,
        id,
        org,
      )
    )[0];
  await begin();
  await ask("PATCH", "", { name: "Other", secret: "FAKE-new-secret", defaultRole: "viewer" });
  expect(await count()).toEqual({ accounts: 1, sessions: 1 });
  await ask("PATCH", "", { provesSecondFactor: true });
  expect(await count()).toEqual({ accounts: 1, sessions: 0 });
  await ask("PATCH", "", { clientId: "other" });
  expect(await count()).toEqual({ accounts: 0, sessions: 0 });
  await begin();
  await ask("DELETE", "", {});
  expect(await count()).toEqual({ accounts: 0, sessions: 0 });
});

test("without STORE_KEYS there is no company login, and a test says what is missing", async () => {
  const { loginMasters } = world.control;
  world.control.loginMasters = null;
  expect((await ask("POST", "", body)).body.error.message).toContain("STORE_KEYS");
  world.control.loginMasters = loginMasters;
  await ask("POST", "", body);
  const { body: tested } = await ask("POST", "/test", {});
  expect([tested.isReady, tested.problem]).toEqual([false, expect.stringContaining("company login")]);
});
