import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { SignUpRule } from "#edge/control/http/port.ts";
import { newEmail, openBrowser } from "#test/support/people/browser.ts";
import { openWorld, type World } from "../http/world.ts";

const origin = "http://edge.test";
let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
const rule = (to: SignUpRule) => void Object.assign(world.control.signUp, to);
afterEach(() => rule({ for: "everyone", domains: [] }));

const open = () => openBrowser(origin, {}, async (url, init) => world.app.fetch(new Request(url, init)));
async function come(email: string) {
  const browser = open();
  const sent = await browser.send("POST", "/auth/codes", { email });
  const code = /^ {4}(\d{6})$/m.exec(world.mailer.mails.at(-1)?.text ?? "")?.[1] ?? "";
  const wrong = code === "000000" ? "000001" : "000000";
  const guessed = await browser.send("POST", "/auth/sign-in/code", { email, code: wrong });
  const done = await browser.send("POST", "/auth/sign-in/code", { email, code });
  return { browser, sent, guessed, done };
}
const invite = (email: string) =>
  world.ask("POST", `/control/orgs/${world.a.org}/invitations`, { body: { email, role: "viewer" } });
const isKnown = async (email: string) =>
  (await world.select("SELECT 1 FROM auth_users WHERE email = ?", email)).length === 1;

test("where only invited people may, nobody else makes an account, and who has one comes in", async () => {
  const known = newEmail();
  await come(known);
  rule({ for: "invited", domains: [] });
  const unknown = newEmail();
  const [refused, welcome] = [await come(unknown), await come(known)];
  expect([refused.done.status, refused.done.body.error.code]).toEqual([403, "sign_up_closed"]);
  expect(refused.browser.jar.size).toBe(0);
  expect(await isKnown(unknown)).toBe(false);
  expect(welcome.done.body).toEqual({ status: "signed_in" });
  // Whoever cannot read the mail hears the same of both.
  expect([refused.sent.status, refused.sent.body]).toEqual([welcome.sent.status, welcome.sent.body]);
  expect([refused.guessed.status, refused.guessed.body]).toEqual([welcome.guessed.status, welcome.guessed.body]);
  const invited = newEmail();
  await invite(invited);
  const { done, browser } = await come(invited);
  expect(done.body).toEqual({ status: "signed_in" });
  const org = await browser.send("POST", "/control/orgs", { name: "Mine" });
  expect([org.status, org.body.error.code]).toEqual([403, "sign_up_closed"]);
  expect((await world.ask("POST", "/control/orgs", { body: { name: "The operator's" } })).status).toBe(201);
});

test("an invitation that is over, taken back or used lets in nobody new", async () => {
  rule({ for: "invited", domains: [] });
  const [revoked, late] = [newEmail(), newEmail()];
  const { id } = (await invite(revoked)).body;
  await world.ask("DELETE", `/control/orgs/${world.a.org}/invitations/${id}`, { body: {} });
  await invite(late);
  await world.select("UPDATE invitations SET expires_at_ms = 1 WHERE email = ?", late);
  for (const email of [revoked, late]) expect((await come(email)).done.body.error.code).toBe("sign_up_closed");
});

test("where domains are listed, their addresses may, to the letter, and make orgs", async () => {
  rule({ for: "domains", domains: ["company.example.test"] });
  const { browser, done } = await come("ada@company.example.test");
  expect(done.body).toEqual({ status: "signed_in" });
  expect((await browser.send("POST", "/control/orgs", { name: "Mine" })).status).toBe(201);
  for (const domain of ["sub.company.example.test", "xcompany.example.test", "company.example.test.evil.test"])
    expect([domain, (await come(`ada@${domain}`)).done.status]).toEqual([domain, 403]);
});

test("whom an operator adds is known already", async () => {
  rule({ for: "invited", domains: [] });
  const email = newEmail();
  await world.ask("POST", "/control/operators", { body: { email } });
  const { browser, done } = await come(email);
  expect(done.body).toEqual({ status: "signed_in" });
  expect((await browser.send("POST", "/control/orgs", { name: "New" })).status).toBe(201);
});
