import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { followHome, openIssuer } from "#test/support/people/issuer.ts";
import { openBrowser, type Browser } from "#test/support/people/browser.ts";
import { openWorld, type World } from "../../http/world.ts";

const origin = "http://edge.test";
const hourMs = 3_600_000;
let world: World;
let issuer: Awaited<ReturnType<typeof openIssuer>>;
let home: { org: string; admin: string };
let login: string;
let domain: string;
let count = 0;

beforeAll(async () => {
  world = await openWorld();
  issuer = await openIssuer(`${origin}/auth/callback/`);
  world.control.webhooks.isLocal = true;
});
afterAll(async () => {
  await issuer.close();
  await world.close();
});
beforeEach(async () => {
  domain = `company${++count}.example.test`;
  home = await world.openOrg("Company");
  login = (await ask("POST", "", { name: "Company", issuer: issuer.url, ...client() })).body.id;
  await claim();
});
afterEach(() => void vi.useRealTimers());

const client = () => ({ clientId: issuer.client.id, secret: issuer.client.secret });
const ask = (method: string, rest: string, body: object, { org, admin } = home) =>
  world.ask(method, `/control/orgs/${org}/company-login${rest}`, { key: admin, body });
async function claim(name = domain): Promise<{ name: string; value: string }> {
  const { record } = (await ask("POST", "/domains", { domain: name })).body;
  world.web.texts.set(record.name, [record.value]);
  expect((await ask("POST", `/domains/${name}/prove`, {})).status).toBe(200);
  return record;
}
const open = () => openBrowser(origin, {}, async (url, init) => world.app.fetch(new Request(url, init)));
const setRole = (defaultRole: string | null) => ask("PATCH", "", { defaultRole });
const be = (sub: string, email: string, isVerified = true) => void (issuer.current = { sub, email, isVerified });

/** From our page to the issuer and back; where that leads is told. */
async function come(browser = open(), provider = login): Promise<{ browser: Browser; to: string; back: string }> {
  const { status, body } = await browser.send("POST", "/auth/sign-in/oidc", { provider, errorNext: "/portal/sign-in" });
  expect([status, body.error]).toEqual([200, undefined]);
  const back = await followHome(body.url, origin);
  const done = await browser.send("GET", back);
  return { browser, back, to: done.headers.get("location") ?? "" };
}
const refused = (code: string) => `/portal/sign-in?error=${code}`;
const me = async (browser: Browser) => (await browser.send("GET", "/auth/session")).body;
async function signInByMail(email: string): Promise<Browser> {
  const browser = open();
  await browser.send("POST", "/auth/codes", { email });
  const code = /^ {4}(\d{6})$/m.exec(world.mailer.mails.at(-1)?.text ?? "")?.[1];
  expect((await browser.send("POST", "/auth/sign-in/code", { email, code })).status).toBe(200);
  return browser;
}
const addMember = (user: string, role: string, org = home.org) =>
  world.select("INSERT INTO members VALUES (?, ?, ?, 1, 1)", org, user, role);

test("who comes for the first time becomes what the login says, and is known again by it", async () => {
  be("ada", `ada@${domain}`);
  expect((await come()).to).toBe(refused("insufficient_permissions"));
  expect(await world.select("SELECT * FROM auth_users WHERE email = ?", `ada@${domain}`)).toEqual([]);
  await setRole("developer");
  const { browser, to } = await come();
  expect(to).toBe("/portal/");
  const { user, session } = await me(browser);
  expect([user.email, session.onlyOrg, session.hasSecondFactor]).toEqual([`ada@${domain}`, home.org, false]);
  const { orgs } = (await browser.send("GET", "/control/whoami")).body;
  expect(orgs.map(({ id, role }: { id: string; role: string }) => [id, role])).toEqual([[home.org, "developer"]]);
  const [entry] = (await world.ask("GET", `/control/orgs/${home.org}/audit`, { key: home.admin })).body.entries;
  expect([entry.action, entry.actor.id, entry.after]).toEqual([
    "member.added",
    user.id,
    { role: "developer", email: `ada@${domain}`, login },
  ]);
  // Another address at the issuer, the same subject: the same person.
  be("ada", `ada.l@${domain}`);
  expect((await me((await come()).browser)).user.id).toBe(user.id);
  expect(
    (await world.ask("GET", `/control/orgs/${home.org}/company-login`, { key: home.admin })).body.lastUsedAt,
  ).toMatch(/^2/);
});

test("an address outside the proven domains is refused, whoever it is of", async () => {
  await setRole("developer");
  const victim = `victim@other${count}.example.test`;
  const byMail = await signInByMail(victim);
  for (const email of [victim, `ada@sub.${domain}`, `ada@x${domain}`, `ada@${domain}.evil.test`]) {
    be("eve", email);
    const { browser, to } = await come();
    expect([email, to]).toEqual([email, refused("sign_in_failed")]);
    expect((await browser.send("GET", "/auth/session")).status).toBe(401);
  }
  expect(await world.select("SELECT * FROM auth_accounts WHERE provider_id = ?", login)).toEqual([]);
  expect((await me(byMail)).user.email).toBe(victim);
});

test("an address that the issuer has not verified is refused", async () => {
  await setRole("developer");
  be("ada", `ada@${domain}`, false);
  expect((await come()).to).toBe(refused("sign_in_failed"));
});

test("a claim that is not proven lets nobody in", async () => {
  await setRole("developer");
  await ask("POST", "/domains", { domain: `claimed.${domain}` });
  be("ada", `ada@claimed.${domain}`);
  expect((await come()).to).toBe(refused("sign_in_failed"));
});

test("a subject whose account's address is the org's no more is refused", async () => {
  await setRole("developer");
  await claim(`old.${domain}`);
  be("ada", `ada@old.${domain}`);
  expect((await come()).to).toBe("/portal/");
  await ask("DELETE", `/domains/old.${domain}`, {});
  be("ada", `ada@${domain}`);
  expect((await come()).to).toBe(refused("sign_in_failed"));
});

test("a company login opens its own org, and nothing else of the same person", async () => {
  const email = `ada@${domain}`;
  const byMail = await signInByMail(email);
  const { id } = (await me(byMail)).user;
  await world.select("UPDATE auth_users SET is_operator = 1 WHERE id = ?", id);
  await addMember(id, "developer");
  await addMember(id, "owner", world.b.org);
  be("ada", email);
  const { browser } = await come();
  const mine = await me(browser);
  expect([mine.user.id, mine.user.isOperator, mine.session.onlyOrg]).toEqual([id, false, home.org]);
  const statuses = async (who: Browser, asks: [string, string, object?][]) =>
    Promise.all(asks.map(async ([method, path, body]) => (await who.send(method, path, body)).status));
  const others: [string, string, object?][] = [
    ["GET", `/control/orgs/${world.b.org}`],
    ["PATCH", `/control/orgs/${world.b.org}`, { name: "Mine" }],
    ["GET", "/control/operators"],
    ["POST", "/control/orgs", { name: "New" }],
    ["GET", "/auth/sessions"],
    ["DELETE", "/auth/sessions", {}],
    ["GET", "/auth/passkeys"],
    ["POST", "/auth/passkeys/options", {}],
    ["POST", "/auth/second-factor", {}],
    ["DELETE", "/auth/second-factor", {}],
    ["POST", "/auth/second-factor/confirm", { code: "123456" }],
    ["PATCH", "/auth/session", { name: "Eve" }],
  ];
  expect(await statuses(browser, others)).toEqual([404, 404, ...others.slice(2).map(() => 403)]);
  expect(await statuses(browser, [["GET", `/control/orgs/${home.org}`]])).toEqual([200]);
  for (const path of ["/control/whoami", "/control/orgs"]) {
    const { orgs } = (await browser.send("GET", path)).body;
    expect(orgs.map((org: { id: string }) => org.id)).toEqual([home.org]);
  }
  const invited = await world.ask("POST", `/control/orgs/${world.a.org}/invitations`, {
    body: { email, role: "admin" },
  });
  const token = /#(\S+)/.exec(world.mailer.mails.at(-1)?.text ?? "")?.[1] ?? "";
  expect([invited.status, token.length > 10]).toEqual([201, true]);
  expect(await statuses(browser, [["POST", "/control/invitations/accept", { token }]])).toEqual([404]);
  expect(await statuses(byMail, [["POST", "/control/invitations/accept", { token }]])).toEqual([200]);
});

test("who comes by it is an admin at most: ownership takes a proof of one's own", async () => {
  const email = `owner@${domain}`;
  const byMail = await signInByMail(email);
  const { id } = (await me(byMail)).user;
  await addMember(id, "owner");
  const member = (await world.signIn(home.org, "developer")).user;
  be("owner", email);
  const { browser } = await come();
  const path = `/control/orgs/${home.org}`;
  expect((await browser.send("GET", "/control/whoami")).body.orgs[0].role).toBe("admin");
  expect((await browser.send("PATCH", path, { name: "Renamed" })).status).toBe(200);
  expect((await browser.send("PATCH", `${path}/members/${member}`, { role: "owner" })).status).toBe(403);
  expect((await browser.send("DELETE", path, {})).status).toBe(403);
  expect((await byMail.send("PATCH", `${path}/members/${member}`, { role: "owner" })).status).toBe(200);
});

test("whether the issuer proves a second factor is the org's to say, for itself", async () => {
  await setRole("viewer");
  await world.ask("PATCH", `/control/orgs/${home.org}`, { key: home.admin, body: { requiresMfa: true } });
  be("ada", `ada@${domain}`);
  const before = await come();
  expect((await before.browser.send("GET", `/control/orgs/${home.org}`)).status).toBe(403);
  await ask("PATCH", "", { provesSecondFactor: true });
  expect((await before.browser.send("GET", "/auth/session")).status).toBe(401);
  const { browser } = await come();
  expect((await me(browser)).session.hasSecondFactor).toBe(true);
  expect((await browser.send("GET", `/control/orgs/${home.org}`)).status).toBe(200);
});

test("who is invited comes in as invited, once, though nobody else would", async () => {
  const email = `grace@${domain}`;
  await world.ask("POST", `/control/orgs/${home.org}/invitations`, {
    key: home.admin,
    body: { email, role: "billing" },
  });
  be("grace", email);
  const [first, second] = await Promise.all([come(), come()]);
  expect([first.to, second.to]).toEqual(["/portal/", "/portal/"]);
  expect(await world.select("SELECT role FROM members WHERE org = ?", home.org)).toEqual([{ role: "billing" }]);
  expect(await world.select("SELECT accepted_at_ms IS NULL AS open FROM invitations WHERE org = ?", home.org)).toEqual([
    { open: 0 },
  ]);
});

test("a suspended org takes nobody in, and a member still reads", async () => {
  await setRole("viewer");
  be("ada", `ada@${domain}`);
  await come();
  await world.ask("PATCH", `/control/orgs/${home.org}`, { body: { isSuspended: true } });
  const { browser, to } = await come();
  expect([to, (await browser.send("GET", `/control/orgs/${home.org}`)).status]).toEqual(["/portal/", 200]);
  be("grace", `grace@${domain}`);
  expect((await come()).to).toBe(refused("insufficient_permissions"));
});

test("a proof is looked at again after a day: gone, it lets nobody in and ends what it let in", async () => {
  await setRole("viewer");
  be("ada", `ada@${domain}`);
  const { browser } = await come();
  world.web.texts.delete(`_penstock.${domain}`);
  expect((await come()).to).toBe("/portal/");
  world.clock.offsetMs = 25 * hourMs;
  world.web.isNameless = true;
  expect((await come()).to).toBe(refused("store_unavailable"));
  world.web.isNameless = false;
  expect((await come()).to).toBe(refused("sign_in_failed"));
  world.clock.offsetMs = 0;
  expect((await browser.send("GET", "/auth/session")).status).toBe(401);
  const { domains } = (await world.ask("GET", `/control/orgs/${home.org}/company-login`, { key: home.admin })).body;
  expect(domains[0].isProven).toBe(false);
});

test("a secret that was replaced at the issuer and here signs in, the one before does not", async () => {
  await setRole("viewer");
  be("ada", `ada@${domain}`);
  await ask("PATCH", "", { secret: "FAKE-wrong-secret" });
  expect((await come()).to).toBe(refused("sign_in_failed"));
  await ask("PATCH", "", { secret: issuer.client.secret });
  expect((await come()).to).toBe("/portal/");
});

test("an answer is good once, in the browser that was sent, at the login it was sent to, for ten minutes", async () => {
  await setRole("viewer");
  be("ada", `ada@${domain}`);
  const { browser, back } = await come();
  for (const other of [browser, open()])
    expect((await other.send("GET", back)).headers.get("location")).toBe("/portal/sign-in?error=sign_in_failed");
  const { body } = await browser.send("POST", "/auth/sign-in/oidc", { provider: login });
  const late = await followHome(body.url, origin);
  world.clock.offsetMs = 10 * 60_000 + 1;
  expect((await browser.send("GET", late)).headers.get("location")).toContain("error=");
  world.clock.offsetMs = 0;
  const other = await world.openOrg("Other");
  const theirs = (await ask("POST", "", { name: "Other", issuer: issuer.url, ...client() }, other)).body.id;
  const fresh = open();
  const started = await fresh.send("POST", "/auth/sign-in/oidc", { provider: login });
  const swapped = (await followHome(started.body.url, origin)).replace(login, theirs);
  expect((await fresh.send("GET", swapped)).headers.get("location")).toContain("error=sign_in_failed");
});

test("an issuer that is out of reach is told, and other ways in go on", async () => {
  await ask("PATCH", "", { issuer: "http://127.0.0.1:9" });
  const { status, body } = await open().send("POST", "/auth/sign-in/oidc", { provider: login });
  expect([status, body.error.code]).toEqual([502, "bad_gateway"]);
  expect((await ask("POST", "/test", {})).body).toEqual({
    isReady: false,
    problem: "The company login is out of reach. Try again.",
  });
  await ask("PATCH", "", { issuer: issuer.url });
  expect((await ask("POST", "/test", {})).body).toEqual({ isReady: true, problem: null });
  await signInByMail(`ada@${domain}`);
});
