import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { openSessions, sessionCookie } from "#edge/control/sign-in/sessions.ts";
import { newEmail, openBrowser, type Browser } from "#test/support/people/browser.ts";
import { openWorld, type World } from "../http/world.ts";

const [minuteMs, hourMs] = [60_000, 3_600_000];
const origin = "http://edge.test";
let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
// Better-auth reads the platform's clock, we the visit's: both are this one.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-06-01T08:00:00Z") }));
afterEach(() => void vi.useRealTimers());

const open = () => openBrowser(origin, {}, async (url, init) => world.app.fetch(new Request(url, init)));
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

async function askCode(browser: Browser, email: string): Promise<string> {
  expect((await browser.send("POST", "/auth/codes", { email })).body.localCode).toBe(null);
  const mail = world.mailer.mails.at(-1);
  expect(mail?.to).toBe(email);
  return /^ {4}(\d{6})$/m.exec(mail?.text ?? "")?.[1] ?? "";
}

async function signIn(email = newEmail()): Promise<Browser> {
  const browser = open();
  const code = await askCode(browser, email);
  expect((await browser.send("POST", "/auth/sign-in/code", { email, code })).status).toBe(200);
  return browser;
}

const isSignedIn = async (browser: Browser) => (await browser.send("GET", "/auth/session")).status === 200;

test("a code is good for ten minutes, and not for longer", async () => {
  for (const [waitMs, status] of [
    [10 * minuteMs - 1_000, 200],
    [10 * minuteMs + 1, 400],
  ] as const) {
    const browser = open();
    const email = newEmail();
    const code = await askCode(browser, email);
    pass(waitMs);
    const answer = await browser.send("POST", "/auth/sign-in/code", { email, code });
    expect([waitMs, answer.status]).toEqual([waitMs, status]);
  }
});

test("an edge whose clock is behind takes no code for older than it is, nor lets a session live on", async () => {
  const email = newEmail();
  const browser = open();
  const code = await askCode(browser, email);
  pass(-30_000);
  expect((await browser.send("POST", "/auth/sign-in/code", { email, code })).status).toBe(200);
  expect(await isSignedIn(browser)).toBe(true);
  pass(30_000 + hourMs);
  expect(await isSignedIn(browser)).toBe(false);
});

test("a session that is not used for an hour has ended", async () => {
  const browser = await signIn();
  pass(hourMs - 1_000);
  expect(await isSignedIn(browser)).toBe(true);
  pass(hourMs - 1_000);
  expect(await isSignedIn(browser)).toBe(true);
  pass(hourMs + minuteMs);
  expect(await isSignedIn(browser)).toBe(false);
});

test("a session ends twelve hours from its beginning, however much it is used", async () => {
  const browser = await signIn();
  for (let minutes = 0; minutes < 12 * 60 - 30; minutes += 30) {
    pass(30 * minuteMs);
    expect([minutes, await isSignedIn(browser)]).toEqual([minutes, true]);
  }
  const { expiresAt } = (await browser.send("GET", "/auth/session")).body.session;
  expect(Date.parse(expiresAt) - Date.now()).toBe(30 * minuteMs);
  pass(30 * minuteMs);
  expect(await isSignedIn(browser)).toBe(false);
  // What the library keeps is over, too.
  expect((await browser.send("POST", "/auth/passkeys/options", {})).body.error.code).toBe("not_signed_in");
});

test("only a session of the last hour may add what proves its owner", async () => {
  const browser = await signIn();
  pass(50 * minuteMs);
  expect((await browser.send("POST", "/auth/passkeys/options", {})).status).toBe(200);
  pass(11 * minuteMs);
  const { status, body } = await browser.send("POST", "/auth/passkeys/options", {});
  expect([status, body.error.code]).toEqual([403, "session_too_old"]);
});

test("neither a session's token nor a code stands in the store", async () => {
  const email = newEmail();
  const browser = open();
  const code = await askCode(browser, email);
  const verifications = JSON.stringify(await world.select("SELECT * FROM auth_verifications"));
  expect(verifications).not.toContain(code);
  expect(verifications).not.toContain(email);
  await browser.send("POST", "/auth/sign-in/code", { email, code });
  const [token = ""] = decodeURIComponent(browser.jar.get(sessionCookie) ?? "").split(".");
  expect(token.length).toBeGreaterThan(20);
  expect(JSON.stringify(await world.select("SELECT * FROM auth_sessions"))).not.toContain(token);
  expect(JSON.stringify(await world.select("SELECT * FROM auth_limits"))).not.toContain(email);
  expect(world.logs.join("\n")).not.toContain(code);
});

test("a store that is out of reach makes nobody a stranger: the request is refused as it is", async () => {
  const browser = await signIn();
  const cookie = `${sessionCookie}=${browser.jar.get(sessionCookie)}`;
  const broken = { ...world.control.db, prepare: () => expect.fail("out of reach") };
  const sessions = openSessions(broken, "FAKE-session-key-FAKE-session-key-FAKE-sess");
  await expect(sessions.find(new Request(origin, { headers: { cookie } }), Date.now())).rejects.toThrow("out of reach");
  // A cookie that is none costs no look.
  const forged = { headers: { cookie: `${sessionCookie}=x.y` } };
  expect(await sessions.find(new Request(origin, forged), Date.now())).toBe(null);
});

test("with another secret every session is over", async () => {
  const browser = await signIn();
  const cookie = `${sessionCookie}=${browser.jar.get(sessionCookie)}`;
  const sessions = openSessions(world.control.db, "FAKE-other-key-FAKE-other-key-FAKE-other-ke");
  expect(await sessions.find(new Request(origin, { headers: { cookie } }), Date.now())).toBe(null);
});
