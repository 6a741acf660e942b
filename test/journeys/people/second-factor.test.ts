import { expect, inject, test } from "vitest";
import { computeTotp, newEmail, openBrowser, type Browser } from "#test/support/people/browser.ts";

const { edge } = inject("place");
const stepMs = 30_000;

/** Somebody with an authenticator app, in a browser that has confirmed it. */
async function enrol(): Promise<{ browser: Browser; email: string; uri: string; backupCodes: string[] }> {
  const browser = openBrowser(edge);
  const email = newEmail();
  await browser.signIn(email);
  const { status, body } = await browser.send("POST", "/auth/second-factor", {});
  expect(status).toBe(200);
  const confirmed = await browser.send("POST", "/auth/second-factor/confirm", {
    code: computeTotp(body.totpUri, Date.now() - stepMs),
  });
  expect([confirmed.status, confirmed.body]).toEqual([200, { status: "signed_in" }]);
  return { browser, email, uri: body.totpUri, backupCodes: body.backupCodes };
}

test("who has an authenticator app is asked for it at the next sign-in, and is not signed in before", async () => {
  const { browser, email, uri } = await enrol();
  expect(new URL(uri).searchParams.get("issuer")).toBe("Penstock");
  expect((await browser.send("GET", "/auth/session")).body).toMatchObject({
    mfa: { isEnabled: true },
    session: { hasSecondFactor: true },
  });
  const next = openBrowser(edge);
  const half = await next.signIn(email);
  expect(half.body).toEqual({ status: "second_factor_needed" });
  expect(half.cookies.filter((cookie) => /session_token=[^;]/.test(cookie))).toEqual([]);
  expect((await next.send("GET", "/auth/session")).status).toBe(401);
  const code = computeTotp(uri, Date.now());
  const whole = await next.send("POST", "/auth/sign-in/totp", { code });
  expect([whole.status, whole.body]).toEqual([200, { status: "signed_in" }]);
  expect((await next.send("GET", "/auth/session")).body.session.hasSecondFactor).toBe(true);
  // Whoever looked over her shoulder comes too late.
  const thief = openBrowser(edge);
  await thief.signIn(email);
  const replayed = await thief.send("POST", "/auth/sign-in/totp", { code });
  expect([replayed.status, replayed.body.error.code]).toEqual([400, "invalid_code"]);
  expect((await thief.send("GET", "/auth/session")).status).toBe(401);
});

test("an app whose code was never confirmed is not asked for", async () => {
  const browser = openBrowser(edge);
  const email = newEmail();
  await browser.signIn(email);
  await browser.send("POST", "/auth/second-factor", {});
  expect((await openBrowser(edge).signIn(email)).body).toEqual({ status: "signed_in" });
});

test("a code of half a minute ago, or ahead, is taken; one of two minutes is not", async () => {
  const { email, uri } = await enrol();
  for (const offsetMs of [stepMs, -4 * stepMs, 4 * stepMs]) {
    const browser = openBrowser(edge);
    await browser.signIn(email);
    const { status } = await browser.send("POST", "/auth/sign-in/totp", {
      code: computeTotp(uri, Date.now() + offsetMs),
    });
    expect([offsetMs, status]).toEqual([offsetMs, offsetMs === stepMs ? 200 : 400]);
  }
});

test("a backup code signs in once", async () => {
  const { email, backupCodes } = await enrol();
  const [code = "", other = ""] = backupCodes;
  expect(backupCodes.length).toBeGreaterThanOrEqual(8);
  const attempts: [string, number][] = [
    [code, 200],
    [code, 400],
    [other, 200],
  ];
  for (const [given, expected] of attempts) {
    const browser = openBrowser(edge);
    await browser.signIn(email);
    const { status } = await browser.send("POST", "/auth/sign-in/backup-code", { code: given });
    expect([given, status]).toEqual([given, expected]);
  }
});

test("a second step without a first, and five wrong ones, lead nowhere", async () => {
  const { email, uri } = await enrol();
  const alone = await openBrowser(edge).send("POST", "/auth/sign-in/totp", { code: computeTotp(uri, Date.now()) });
  expect([alone.status, alone.body.error.code]).toEqual([400, "sign_in_failed"]);
  const browser = openBrowser(edge);
  await browser.signIn(email);
  const right = computeTotp(uri, Date.now());
  const wrong = right === "000000" ? "000001" : "000000";
  for (let tries = 0; tries < 5; tries++)
    expect((await browser.send("POST", "/auth/sign-in/totp", { code: wrong })).body.error.code).toBe("invalid_code");
  const late = await browser.send("POST", "/auth/sign-in/totp", { code: right });
  expect([late.status, late.body.error.code]).toEqual([429, "rate_limit_exceeded"]);
});

test("it is removed, and its backup codes made anew, in a session that has shown it", async () => {
  const { browser, email, backupCodes } = await enrol();
  const renewed = (await browser.send("POST", "/auth/second-factor/backup-codes", {})).body.backupCodes;
  expect(renewed).not.toEqual(backupCodes);
  const old = openBrowser(edge);
  await old.signIn(email);
  expect((await old.send("POST", "/auth/sign-in/backup-code", { code: backupCodes[0] })).status).toBe(400);
  const twice = await browser.send("POST", "/auth/second-factor", {});
  expect([twice.status, twice.body.error.code]).toEqual([409, "conflict"]);
  expect((await browser.send("DELETE", "/auth/second-factor", {})).body).toEqual({ isRemoved: true });
  expect((await browser.send("GET", "/auth/session")).body.mfa.isEnabled).toBe(false);
  expect((await openBrowser(edge).signIn(email)).body).toEqual({ status: "signed_in" });
  expect((await browser.send("DELETE", "/auth/second-factor", {})).status).toBe(409);
});

test("a session from before the app was set up has to confirm it before it changes anything", async () => {
  const email = newEmail();
  const [first, second] = [openBrowser(edge), openBrowser(edge)];
  await first.signIn(email);
  await second.signIn(email);
  const { totpUri } = (await first.send("POST", "/auth/second-factor", {})).body;
  await first.send("POST", "/auth/second-factor/confirm", { code: computeTotp(totpUri, Date.now() - stepMs) });
  for (const [method, path] of [
    ["DELETE", "/auth/second-factor"],
    ["POST", "/auth/second-factor/backup-codes"],
    ["POST", "/auth/passkeys/options"],
  ] as const) {
    const { status, body } = await second.send(method, path, {});
    expect([path, status, body.error.code]).toEqual([path, 403, "second_factor_required"]);
  }
  const code = computeTotp(totpUri, Date.now());
  expect((await second.send("POST", "/auth/second-factor/confirm", { code })).status).toBe(200);
  expect((await second.send("GET", "/auth/session")).body.session.hasSecondFactor).toBe(true);
  expect((await first.send("POST", "/auth/second-factor/confirm", { code })).body.error.code).toBe("invalid_code");
});
