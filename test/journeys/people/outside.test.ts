import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { freePorts } from "#infra/local/child.ts";
import { openMailProvider } from "#test/support/people/mail-provider.ts";
import { followHome, openIssuer } from "#test/support/people/issuer.ts";
import { newEmail, openBrowser } from "#test/support/people/browser.ts";
import { openOwnStack, type OwnStack } from "#test/support/stack/stack.ts";

let provider: Awaited<ReturnType<typeof openMailProvider>>;
let stack: OwnStack;
let issuer: Awaited<ReturnType<typeof openIssuer>>;
let edge: string;

beforeAll(async () => {
  const [port = 0] = await freePorts(1);
  edge = `http://127.0.0.1:${port}`;
  issuer = await openIssuer(`${edge}/auth/callback/`);
  provider = await openMailProvider();
  const login = { name: "Company", clientId: issuer.client.id, secret: issuer.client.secret };
  const oidc = [
    { id: "company", issuer: issuer.url, ...login },
    { id: "gone", issuer: "http://127.0.0.1:9", ...login },
  ];
  stack = await openOwnStack({ port, vars: { ...provider.vars, OIDC: JSON.stringify(oidc) } });
});

afterAll(async () => {
  await stack.close();
  await issuer.close();
  await provider.close();
});

beforeEach(() => {
  Object.assign(provider, { status: 200, mails: [] });
});

/** From our page to the issuer and back, and on to the page that was asked for. */
async function signInByCompany(browser = openBrowser(edge), next = "/portal/keys", provider = "company") {
  const started = await browser.send("POST", "/auth/sign-in/oidc", {
    provider,
    next,
    errorNext: "/portal/",
  });
  expect([started.status, started.body.error]).toEqual([200, undefined]);
  const back = await followHome(started.body.url, edge);
  return { browser, back, done: await browser.send("GET", back) };
}

test("a code goes out by the provider's API, and nowhere else", async () => {
  const browser = openBrowser(edge);
  const email = newEmail();
  const { status, body } = await browser.send("POST", "/auth/codes", { email });
  expect([status, body]).toEqual([200, { isSent: true, expiresInSeconds: 600, localCode: null }]);
  const [mail] = provider.mails;
  expect(mail?.headers.authorization).toBe(`Bearer ${provider.token}`);
  expect(mail?.body).toMatchObject({ from: "Penstock <no-reply@example.test>", to: [email] });
  const code = /^ {4}(\d{6})$/m.exec(String(mail?.body.text))?.[1] ?? "";
  expect((await browser.send("POST", "/auth/sign-in/code", { email, code })).status).toBe(200);
  // The log knows neither the code, nor who asked, nor what the provider lets us in by.
  const logged = stack.logs.join("\n");
  for (const secret of [code, email, provider.token, issuer.client.secret]) expect(logged).not.toContain(secret);
});

test("a mail that does not go out is told, costs no try, and can be sent again", async () => {
  const browser = openBrowser(edge);
  const email = newEmail();
  for (const status of [500, 429, 403, 302, 500, 500]) {
    provider.status = status;
    const { status: told, body, headers } = await browser.send("POST", "/auth/codes", { email });
    expect([told, body.error.code, headers.get("retry-after")]).toEqual([503, "mail_unavailable", "5"]);
    expect(body.error.message).toBe("The mail could not be sent. Try again.");
  }
  expect(provider.mails.every(({ headers }) => headers["content-type"] === "application/json")).toBe(true);
  provider.status = 202;
  expect((await browser.send("POST", "/auth/codes", { email })).status).toBe(200);
});

test("a company login signs in, and knows its people again", async () => {
  const email = newEmail();
  issuer.current = { sub: "ada-1", email, isVerified: true };
  const { browser, back, done } = await signInByCompany();
  expect([done.status, new URL(done.headers.get("location") ?? "", edge).href]).toEqual([302, `${edge}/portal/keys`]);
  const me = (await browser.send("GET", "/auth/session")).body;
  expect(me).toMatchObject({ user: { email }, session: { hasSecondFactor: false } });
  // Neither state nor code is good a second time, nor in another browser.
  for (const other of [browser, openBrowser(edge)]) {
    const { headers, cookies } = await other.send("GET", back);
    expect(headers.get("location")).toContain("error=");
    expect(cookies.filter((cookie) => /session_token=[^;]/.test(cookie))).toEqual([]);
  }
  const again = await signInByCompany();
  expect((await again.browser.send("GET", "/auth/session")).body.user.id).toBe(me.user.id);
});

test("an org's own company login signs in its people, into that org alone", async () => {
  const { world } = stack;
  const { id: org } = await world.must("POST", "/orgs", { name: "Company" });
  const path = `/orgs/${org}/company-login`;
  const login = { name: "Company", issuer: issuer.url, clientId: issuer.client.id, secret: issuer.client.secret };
  const { id: provider } = await world.must("POST", path, { ...login, defaultRole: "viewer" });
  const email = newEmail();
  const domain = email.split("@")[1] ?? "";
  await world.must("POST", `${path}/domains`, { domain });
  const browser = openBrowser(edge);
  const find = async () => (await browser.send("POST", "/auth/sign-in/company", { email })).body.login;
  expect(await find()).toBe(null);
  await world.must("POST", `${path}/domains/${domain}/prove`, { isApproved: true });
  expect(await find()).toEqual({ id: provider, name: "Company" });
  expect(await world.must("POST", `${path}/test`, {})).toEqual({ isReady: true, problem: null });
  issuer.current = { sub: "company-1", email, isVerified: true };
  const { done } = await signInByCompany(browser, "/portal/keys", provider);
  expect([done.status, done.headers.get("location")]).toEqual([302, "/portal/keys"]);
  const { orgs } = (await browser.send("GET", "/control/whoami")).body;
  expect(orgs.map(({ id, role }: { id: string; role: string }) => [id, role])).toEqual([[org, "viewer"]]);
  expect((await browser.send("GET", "/auth/passkeys")).status).toBe(403);
  await world.must("DELETE", path, {});
  expect((await browser.send("GET", "/auth/session")).status).toBe(401);
});

test("a company login leads to who proved the same address by mail, if the issuer has verified it", async () => {
  const email = newEmail();
  const byMail = openBrowser(edge);
  await byMail.send("POST", "/auth/codes", { email });
  const code = /^ {4}(\d{6})$/m.exec(String(provider.mails[0]?.body.text))?.[1];
  await byMail.send("POST", "/auth/sign-in/code", { email, code });
  const { id } = (await byMail.send("GET", "/auth/session")).body.user;
  issuer.current = { sub: "liar-1", email, isVerified: false };
  const liar = await signInByCompany();
  expect(liar.done.headers.get("location")).toContain("error=");
  expect((await liar.browser.send("GET", "/auth/session")).status).toBe(401);
  issuer.current = { sub: "grace-1", email, isVerified: true };
  const { browser } = await signInByCompany();
  expect((await browser.send("GET", "/auth/session")).body.user.id).toBe(id);
});

test("an answer of the issuer that was tampered with signs nobody in", async () => {
  issuer.current = { sub: "eve-1", email: newEmail(), isVerified: true };
  const browser = openBrowser(edge);
  const { body } = await browser.send("POST", "/auth/sign-in/oidc", { provider: "company" });
  const back = new URL(await followHome(body.url, edge));
  for (const [name, value] of [
    ["state", "x".repeat(32)],
    ["code", "x".repeat(43)],
    ["iss", "https://evil.example.test"],
  ] as const) {
    const forged = new URL(back);
    forged.searchParams.set(name, value);
    const { cookies, headers } = await browser.send("GET", forged.href);
    expect([name, headers.get("location")?.includes("error=")]).toEqual([name, true]);
    expect(cookies.filter((cookie) => /session_token=[^;]/.test(cookie))).toEqual([]);
  }
});

test("an issuer that is out of reach, or unknown, is told, and stops no other way in", async () => {
  const browser = openBrowser(edge);
  const gone = await browser.send("POST", "/auth/sign-in/oidc", { provider: "gone" });
  expect([gone.status, gone.body.error.code]).toEqual([502, "bad_gateway"]);
  expect((await browser.send("POST", "/auth/sign-in/oidc", { provider: "other" })).status).toBe(404);
  const ways = (await browser.send("GET", "/auth/ways")).body;
  expect(ways).toEqual({
    code: true,
    passkey: true,
    oidc: [
      { id: "company", name: "Company" },
      { id: "gone", name: "Company" },
    ],
    isLocalMail: false,
  });
  expect((await browser.send("POST", "/auth/codes", { email: newEmail() })).status).toBe(200);
});
