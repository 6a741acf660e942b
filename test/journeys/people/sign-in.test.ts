import { expect, inject, test } from "vitest";
import { newEmail, openBrowser } from "#test/support/people/browser.ts";

const { edge } = inject("place");

test("a code by mail signs in, once, and the session says who it is", async () => {
  const browser = openBrowser(edge);
  const email = newEmail();
  expect((await browser.send("GET", "/auth/session")).body.error.code).toBe("not_signed_in");
  const code = await browser.askCode(email.toUpperCase());
  expect(code).toMatch(/^\d{6}$/);
  const signedIn = await browser.send("POST", "/auth/sign-in/code", { email, code, name: "Ada" });
  expect([signedIn.status, signedIn.body]).toEqual([200, { status: "signed_in" }]);
  const me = await browser.send("GET", "/auth/session");
  expect(me.body).toMatchObject({
    user: { email, name: "Ada", isOperator: false },
    session: { hasSecondFactor: false },
    mfa: { isEnabled: false },
  });
  expect(me.body.user.id).toMatch(/^user_[0-9A-Za-z]{22}$/);
  const again = await openBrowser(edge).send("POST", "/auth/sign-in/code", { email, code });
  expect([again.status, again.body.error.code]).toEqual([400, "invalid_code"]);
  // The same person comes back as herself.
  await browser.signIn(email);
  expect((await browser.send("GET", "/auth/session")).body.user).toEqual(me.body.user);
});

test("what a code is answered with does not tell whether somebody is known by that address (S15, P2)", async () => {
  const known = newEmail();
  await openBrowser(edge).signIn(known);
  const answers = [];
  for (const email of [known, newEmail()]) {
    const sent = await openBrowser(edge).send("POST", "/auth/codes", { email });
    const wrong = await openBrowser(edge).send("POST", "/auth/sign-in/code", { email, code: "000000" });
    answers.push([sent.status, { ...sent.body, localCode: "" }, wrong.status, wrong.body.error]);
  }
  expect(answers[0]).toEqual(answers[1]);
});

test("the session's cookie is the host's own, and no script reads it", async () => {
  const browser = openBrowser(edge);
  const { cookies, headers, body } = await browser.signIn(newEmail());
  const [cookie = "", ...others] = cookies;
  expect(others).toEqual([]);
  expect(cookie).toMatch(/^__Host-penstock\.session_token=[^;]+; /);
  const attributes = cookie.split("; ").slice(1).toSorted();
  expect(attributes).toEqual(["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Lax", "Secure"]);
  expect(JSON.stringify(body)).not.toMatch(/token/i);
  expect(headers.get("cache-control")).toContain("no-store");
});

test("five wrong codes void the right one, and a new one is none the worse for it", async () => {
  const browser = openBrowser(edge);
  const email = newEmail();
  const code = await browser.askCode(email);
  const wrong = code === "000000" ? "000001" : "000000";
  for (let tries = 0; tries < 5; tries++) {
    const { status, body } = await browser.send("POST", "/auth/sign-in/code", { email, code: wrong });
    expect([status, body.error.code]).toEqual([400, "invalid_code"]);
  }
  const right = await browser.send("POST", "/auth/sign-in/code", { email, code });
  expect([right.status, right.body.error.code]).toEqual([429, "rate_limit_exceeded"]);
  expect(browser.jar.size).toBe(0);
  expect((await browser.signIn(email)).body).toEqual({ status: "signed_in" });
});

test("of guesses at once no more count than five, and then none is right", async () => {
  const email = newEmail();
  const code = await openBrowser(edge).askCode(email);
  const guesses = Array.from({ length: 14 }, (_, at) => String((Number(code) + at + 1) % 1_000_000).padStart(6, "0"));
  const guess = (given: string) => openBrowser(edge).send("POST", "/auth/sign-in/code", { email, code: given });
  const answers = await Promise.all(guesses.map(guess));
  expect(answers.filter(({ status }) => status === 200)).toEqual([]);
});

test("a code that a newer one has replaced opens nothing", async () => {
  const browser = openBrowser(edge);
  const email = newEmail();
  const first = await browser.askCode(email);
  const second = await browser.askCode(email);
  if (first === second) return;
  const old = await browser.send("POST", "/auth/sign-in/code", { email, code: first });
  expect([old.status, old.body.error.code]).toEqual([400, "invalid_code"]);
  expect((await browser.send("POST", "/auth/sign-in/code", { email, code: second })).status).toBe(200);
});

test("codes for one account, and tries of them, have a limit that all isolates share", async () => {
  const browser = openBrowser(edge);
  const email = newEmail();
  for (let asked = 0; asked < 5; asked++) await browser.askCode(email);
  const more = await browser.send("POST", "/auth/codes", { email });
  expect([more.status, more.body.error.code]).toEqual([429, "rate_limit_exceeded"]);
  expect(Number(more.headers.get("retry-after"))).toBeGreaterThan(60);
  const tries = await Promise.all(
    Array.from({ length: 20 }, () => browser.send("POST", "/auth/sign-in/code", { email, code: "123456" })),
  );
  expect(tries.filter(({ headers }) => headers.has("retry-after")).length).toBeGreaterThanOrEqual(5);
});

test("one network may ask for so many codes, whomever they are for", async () => {
  // IP_EXEMPT leaves this machine out, so the caller names another.
  const browser = openBrowser(edge, { "cf-connecting-ip": "203.0.113.77" });
  const statuses: number[] = [];
  for (let asked = 0; asked < 31; asked++)
    statuses.push((await browser.send("POST", "/auth/codes", { email: newEmail() })).status);
  expect([statuses.slice(0, 30).every((status) => status === 200), statuses[30]]).toEqual([true, 429]);
});

test("a write that comes from no page of ours is refused, signed in or not", async () => {
  const browser = openBrowser(edge);
  await browser.signIn(newEmail());
  const writes = [
    ["POST", "/auth/codes"],
    ["POST", "/auth/sign-out"],
    ["DELETE", "/auth/sessions"],
    ["POST", "/auth/second-factor"],
    ["PATCH", "/auth/session"],
  ] as const;
  const wrong = [
    { origin: "https://evil.example.test" },
    { origin: null },
    { origin: "null" },
    { origin: `${edge}.example.test` },
    { "content-type": "text/plain" },
    { "content-type": null },
    { "content-type": "application/x-www-form-urlencoded" },
  ];
  for (const [method, path] of writes)
    for (const headers of wrong) {
      const { status, body } = await browser.send(method, path, "{}", headers);
      expect([method, path, headers, status, body.error.code]).toEqual([method, path, headers, 403, "cross_origin"]);
    }
  expect((await browser.send("GET", "/auth/session")).status).toBe(200);
});

test("sessions are listed and ended one by one, and one that has ended opens nothing", async () => {
  const email = newEmail();
  const browsers = [openBrowser(edge), openBrowser(edge), openBrowser(edge)] as const;
  for (const browser of browsers) await browser.signIn(email);
  const [here, there, elsewhere] = browsers;
  const { rows } = (await here.send("GET", "/auth/sessions")).body;
  expect(rows.map(({ isThis }: { isThis: boolean }) => isThis).filter(Boolean)).toHaveLength(1);
  expect(rows).toHaveLength(3);
  const { id } = (await there.send("GET", "/auth/session")).body.session;
  expect((await here.send("DELETE", `/auth/sessions/${id}`)).body).toEqual({ ended: 1 });
  expect((await there.send("GET", "/auth/session")).status).toBe(401);
  expect((await here.send("DELETE", `/auth/sessions/${id}`)).status).toBe(404);
  expect((await here.send("DELETE", "/auth/sessions")).body).toEqual({ ended: 1 });
  expect((await elsewhere.send("GET", "/auth/session")).status).toBe(401);
  expect((await here.send("GET", "/auth/session")).status).toBe(200);
  const kept = new Map(here.jar);
  expect((await here.send("POST", "/auth/sign-out", {})).body).toEqual({ isSignedOut: true });
  expect(here.jar.size).toBe(0);
  for (const [name, value] of kept) here.jar.set(name, value);
  expect((await here.send("GET", "/auth/session")).status).toBe(401);
});

test("nobody ends, or sees, a session of somebody else", async () => {
  const [mine, hers] = [openBrowser(edge), openBrowser(edge)];
  await mine.signIn(newEmail());
  await hers.signIn(newEmail());
  const { id } = (await hers.send("GET", "/auth/session")).body.session;
  expect((await mine.send("DELETE", `/auth/sessions/${id}`)).status).toBe(404);
  expect((await mine.send("GET", "/auth/sessions")).body.rows).toHaveLength(1);
  expect((await hers.send("GET", "/auth/session")).status).toBe(200);
});

test("a cookie that we did not sign is none", async () => {
  const browser = openBrowser(edge);
  await browser.signIn(newEmail());
  const name = "__Host-penstock.session_token";
  const cookie = browser.jar.get(name) ?? "";
  const [token = "", signature = ""] = decodeURIComponent(cookie).split(/\.(?=[^.]*$)/);
  const flipped = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
  for (const forged of [
    `${token}.${flipped}`,
    token,
    `${token}.`,
    `.${signature}`,
    `x${token}.${signature}`,
    "%",
    "",
  ]) {
    const { status } = await browser.send("GET", "/auth/session", undefined, {
      cookie: `${name}=${encodeURIComponent(forged)}`,
    });
    expect([forged, status]).toEqual([forged, 401]);
  }
  const twice = { cookie: `${name}=${cookie}; ${name}=x` };
  expect((await browser.send("GET", "/auth/session", undefined, twice)).status).toBe(401);
});

test("bad input is told in the form of the API, and what the library has besides is not there", async () => {
  const browser = openBrowser(edge);
  const email = newEmail();
  const bad = [
    ["/auth/codes", {}],
    ["/auth/codes", { email: "nobody" }],
    ["/auth/codes", { email, type: "forget-password" }],
    ["/auth/sign-in/code", { email, code: "12345" }],
    ["/auth/sign-in/code", { email, code: "123456", isOperator: true }],
    ["/auth/sign-in/oidc", { provider: "x", next: "https://evil.example.test/" }],
    ["/auth/sign-in/oidc", { provider: "x", next: "//evil.example.test/" }],
    ["/auth/sign-in/oidc", { provider: "x", next: "/\\evil.example.test/" }],
  ] as const;
  for (const [path, sent] of bad) {
    const { status, body } = await browser.send("POST", path, sent);
    expect([path, status, body.error.code]).toEqual([path, 400, "invalid_value"]);
  }
  const absent = [
    "sign-up/email",
    "sign-in/email",
    "change-email",
    "delete-user",
    "update-user",
    "get-session",
    "error",
  ];
  for (const path of absent) {
    const { status, body } = await browser.send("POST", `/auth/${path}`, { email });
    expect([path, status, body.error.code]).toEqual([path, 404, "unknown_url"]);
  }
});

test("one gives oneself a name", async () => {
  const browser = openBrowser(edge);
  await browser.signIn(newEmail());
  expect((await browser.send("PATCH", "/auth/session", { name: " Grace " })).body.user.name).toBe("Grace");
  expect((await browser.send("GET", "/auth/session")).body.user.name).toBe("Grace");
});
