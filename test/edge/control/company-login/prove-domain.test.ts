import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openWorld, type World } from "../http/world.ts";

let world: World;
let domain: string;
let count = 0;
const login = { name: "Company", issuer: "https://hooks.example.test", clientId: "penstock", secret: "FAKE-secret" };

beforeAll(async () => {
  world = await openWorld();
  for (const { org, admin } of [world.a, world.b])
    await world.ask("POST", `/control/orgs/${org}/company-login`, { key: admin, body: login });
});
afterAll(() => world.close());
beforeEach(() => {
  domain = `company${++count}.example.test`;
  world.web.isNameless = false;
});

type Home = { org: string; admin: string };
const ask = ({ org, admin }: Home, method: string, rest: string, body: object = {}, key: string = admin) =>
  world.ask(method, `/control/orgs/${org}/company-login/domains${rest}`, { key, body });
const claim = async (home: Home) => (await ask(home, "POST", "", { domain })).body;
const prove = (home: Home, body = {}, key = home.admin) => ask(home, "POST", `/${domain}/prove`, body, key);
const show = async ({ org, admin }: Home) =>
  (await world.ask("GET", `/control/orgs/${org}/company-login`, { key: admin })).body;
const find = async (email: string) =>
  (
    await world.ask("POST", "/auth/sign-in/company", {
      key: null,
      body: { email },
      headers: { origin: "http://edge.test" },
    })
  ).body.login;

test("a claim stands for nothing until the domain's DNS has the org's text", async () => {
  const { record, isProven } = await claim(world.a);
  expect([isProven, record.name, record.type]).toEqual([false, `_penstock.${domain}`, "TXT"]);
  expect(await find(`ada@${domain}`)).toBe(null);
  const early = await prove(world.a);
  expect([early.status, early.body.error.message]).toEqual([409, expect.stringContaining(record.name)]);
  world.web.texts.set(record.name, ["v=spf1 -all", record.value]);
  const proven = await prove(world.a);
  expect([proven.status, proven.body]).toEqual([200, expect.objectContaining({ isProven: true, provenBy: "dns" })]);
  const { id, name } = await show(world.a);
  expect(await find(`Ada@${domain.toUpperCase()}`)).toEqual({ id, name });
  // Neither above nor below it.
  for (const other of [`sub.${domain}`, "example.test", `x${domain}`]) expect(await find(`ada@${other}`)).toBe(null);
});

test("a name server that does not answer proves nothing, and refutes nothing", async () => {
  const { record } = await claim(world.a);
  world.web.texts.set(record.name, [record.value]);
  world.web.isNameless = true;
  expect((await prove(world.a)).body.error.code).toBe("store_unavailable");
});

test("of two orgs that claim a domain each proves it by its own text, and the first keeps it", async () => {
  const [ours, theirs] = [await claim(world.a), await claim(world.b)];
  expect(ours.record.value).not.toBe(theirs.record.value);
  world.web.texts.set(ours.record.name, [ours.record.value]);
  expect((await prove(world.b)).status).toBe(409);
  expect((await prove(world.a)).status).toBe(200);
  world.web.texts.set(ours.record.name, [ours.record.value, theirs.record.value]);
  const taken = await prove(world.b);
  expect([taken.status, taken.body.error.message]).toEqual([
    409,
    "Another organization has proven this domain, and still does.",
  ]);
  // The domain changes hands: whose text stands there now has it.
  world.web.texts.set(ours.record.name, [theirs.record.value]);
  expect((await prove(world.b)).status).toBe(200);
  const { domains } = await show(world.a);
  expect(domains.find((one: { domain: string }) => one.domain === domain).isProven).toBe(false);
  expect((await find(`ada@${domain}`)).id).toBe((await show(world.b)).id);
  const [withdrawn] = (await world.ask("GET", `/control/orgs/${world.a.org}/audit`, { key: world.a.admin })).body
    .entries;
  expect([withdrawn.action, withdrawn.target, withdrawn.actor.kind]).toEqual([
    "login.domain_withdrawn",
    domain,
    "house",
  ]);
});

test("of two that prove it at once exactly one has it", async () => {
  const claims = [await claim(world.a), await claim(world.b)];
  world.web.texts.set(
    claims[0].record.name,
    claims.map(({ record }) => record.value),
  );
  const answers = await Promise.all([prove(world.a), prove(world.b)]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
});

test("an operator's word proves a domain, nobody else's does, and no text takes it away", async () => {
  const { record } = await claim(world.a);
  expect((await prove(world.a, { isApproved: true })).status).toBe(403);
  const owner = await world.signIn(world.a.org, "owner");
  const path = `/control/orgs/${world.a.org}/company-login/domains/${domain}/prove`;
  expect((await world.ask("POST", path, { ...owner, body: { isApproved: true } })).status).toBe(403);
  const { body } = await prove(world.a, { isApproved: true }, world.operator.key);
  expect([body.isProven, body.provenBy]).toEqual([true, "operator"]);
  const theirs = await claim(world.b);
  world.web.texts.set(record.name, [theirs.record.value]);
  expect((await prove(world.b)).status).toBe(409);
});

test("what is no domain of mail is no claim, and there are no more than twenty", async () => {
  for (const bad of ["", "example", "@example.test", "ada@example.test", "*.example.test", "exa mple.test", "-a.test"])
    expect([bad, (await ask(world.a, "POST", "", { domain: bad })).status]).toEqual([bad, 400]);
  const { org, admin } = await world.openOrg("Many");
  const many = { org, admin };
  expect((await ask(many, "POST", "", { domain })).status).toBe(404);
  await world.ask("POST", `/control/orgs/${org}/company-login`, { key: admin, body: login });
  for (let at = 0; at < 20; at++)
    expect((await ask(many, "POST", "", { domain: `d${at}.example.test` })).status).toBe(201);
  expect((await ask(many, "POST", "", { domain: "d0.example.test" })).status).toBe(409);
  expect((await ask(many, "POST", "", { domain: "d20.example.test" })).status).toBe(409);
});

test("who may not, may not", async () => {
  await claim(world.a);
  for (const role of ["developer", "billing", "viewer"] as const) {
    const asking = await world.signIn(world.a.org, role);
    const path = `/control/orgs/${world.a.org}/company-login`;
    expect((await world.ask("GET", path, asking)).status).toBe(403);
    expect((await world.ask("POST", `${path}/domains`, { ...asking, body: { domain: "x.test" } })).status).toBe(403);
  }
});
