import { expect, inject, test } from "vitest";
import { openAuthenticator } from "#test/support/people/authenticator.ts";
import { newEmail, openBrowser, type Browser } from "#test/support/people/browser.ts";

const { edge } = inject("place");

async function addPasskey(browser: Browser, authenticator = openAuthenticator(edge), name = "laptop") {
  const options = await browser.send("POST", "/auth/passkeys/options", {});
  expect(options.status).toBe(200);
  const credential = authenticator.create(options.body);
  return { answer: await browser.send("POST", "/auth/passkeys", { credential, name }), authenticator, credential };
}

async function showPasskey(browser: Browser, authenticator: ReturnType<typeof openAuthenticator>) {
  const options = await browser.send("POST", "/auth/sign-in/passkey/options", {});
  expect(options.body.userVerification).toBe("required");
  return browser.send("POST", "/auth/sign-in/passkey", { credential: authenticator.get(options.body) });
}

test("a passkey signs in without a code, and counts as two factors", async () => {
  const browser = openBrowser(edge);
  const email = newEmail();
  await browser.signIn(email);
  const { answer, authenticator } = await addPasskey(browser);
  expect([answer.status, answer.body]).toMatchObject([201, { name: "laptop", isSynced: false }]);
  expect(answer.body.id).toMatch(/^pass_[0-9A-Za-z]{22}$/);
  expect((await browser.send("GET", "/auth/passkeys")).body.rows).toEqual([answer.body]);
  for (let times = 0; times < 2; times++) {
    const next = openBrowser(edge);
    const signedIn = await showPasskey(next, authenticator);
    expect([signedIn.status, signedIn.body]).toEqual([200, { status: "signed_in" }]);
    const me = (await next.send("GET", "/auth/session")).body;
    expect([me.user.email, me.session.hasSecondFactor]).toEqual([email, true]);
  }
  expect((await browser.send("DELETE", `/auth/passkeys/${answer.body.id}`)).body).toEqual({ isRemoved: true });
  const removed = await showPasskey(openBrowser(edge), authenticator);
  expect([removed.status, removed.body.error.code]).toEqual([400, "sign_in_failed"]);
});

test("an authenticator that does not ask who its owner is neither registers nor signs in", async () => {
  const browser = openBrowser(edge);
  await browser.signIn(newEmail());
  const touched = openAuthenticator(edge, { knowsOwner: false });
  const { answer } = await addPasskey(browser, touched);
  expect([answer.status, answer.body.error.code]).toEqual([400, "sign_in_failed"]);
  expect((await browser.send("GET", "/auth/passkeys")).body.rows).toEqual([]);
});

test("a challenge is good once, for the browser that asked, and for our origin", async () => {
  const browser = openBrowser(edge);
  await browser.signIn(newEmail());
  const { authenticator } = await addPasskey(browser);
  const next = openBrowser(edge);
  const options = await next.send("POST", "/auth/sign-in/passkey/options", {});
  const credential = authenticator.get(options.body);
  expect((await openBrowser(edge).send("POST", "/auth/sign-in/passkey", { credential })).status).toBe(400);
  expect((await next.send("POST", "/auth/sign-in/passkey", { credential })).status).toBe(200);
  next.jar.delete("__Host-penstock.session_token");
  expect((await next.send("POST", "/auth/sign-in/passkey", { credential })).status).toBe(400);
  const elsewhere = openAuthenticator("https://evil.example.test");
  const foreign = await addPasskey(browser, elsewhere);
  expect(foreign.answer.status).toBe(400);
});

test("a signature that is not the key's is refused, whatever its form", async () => {
  const browser = openBrowser(edge);
  await browser.signIn(newEmail());
  const { authenticator } = await addPasskey(browser);
  for (const signature of ["", "AAAA", "MEUCIQ", Buffer.alloc(70, 0x30).toString("base64url")]) {
    const next = openBrowser(edge);
    const options = await next.send("POST", "/auth/sign-in/passkey/options", {});
    const credential = authenticator.get(options.body);
    const forged = { ...credential, response: { ...credential.response, signature } };
    const { status, body } = await next.send("POST", "/auth/sign-in/passkey", { credential: forged });
    expect([signature, status, body.error.code]).toEqual([signature, 400, "sign_in_failed"]);
  }
});

test("nobody removes a passkey of somebody else", async () => {
  const [mine, hers] = [openBrowser(edge), openBrowser(edge)];
  await mine.signIn(newEmail());
  await hers.signIn(newEmail());
  const { answer } = await addPasskey(hers);
  expect((await mine.send("DELETE", `/auth/passkeys/${answer.body.id}`)).status).toBe(404);
  expect((await hers.send("GET", "/auth/passkeys")).body.rows).toHaveLength(1);
});
