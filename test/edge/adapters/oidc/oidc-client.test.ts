import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openOidcClient } from "#edge/adapters/oidc/oidc-client.ts";
import type { Issuer } from "#edge/control/sign-in/port.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";
import { openForgedIssuer } from "#test/support/people/forged-issuer.ts";
import { FakeWeb } from "#test/support/webhooks/fakes.ts";

const redirectUri = "https://gateway.example.test/auth/callback/company";
const nowSeconds = () => Math.floor(Date.now() / 1_000);
let forged: Awaited<ReturnType<typeof openForgedIssuer>>;
let issuer: Issuer;
const client = openOidcClient({ fetch, guard: { resolver: new FakeWeb(Date.now), isLocal: true } });

beforeAll(async () => {
  forged = await openForgedIssuer("penstock");
  issuer = { id: "company", url: forged.url, clientId: "penstock", secret: "FAKE-secret", isGuarded: true };
});
afterAll(() => forged.close());
beforeEach(() => forged.reset());

async function signIn(query?: (right: string) => string) {
  const { url, flow } = await client.start(issuer, { redirectUri, hint: null });
  const right = forged.answer(url);
  return client.finish(issuer, { redirectUri, query: query ? query(right) : right, flow });
}

test("a browser is sent with PKCE, a state and a nonce, and what comes back names somebody", async () => {
  const { url } = await client.start(issuer, { redirectUri, hint: "ada@company.example.test" });
  const sent = Object.fromEntries(new URL(url).searchParams);
  expect(sent).toMatchObject({
    client_id: "penstock",
    response_type: "code",
    redirect_uri: redirectUri,
    scope: "openid email profile",
    code_challenge_method: "S256",
    login_hint: "ada@company.example.test",
  });
  expect([sent["state"]?.length, sent["nonce"]?.length, sent["code_challenge"]?.length]).toEqual([43, 43, 43]);
  expect(await signIn()).toEqual({
    subject: "subject-1",
    email: "ada@company.example.test",
    isVerified: true,
    name: "",
  });
  const [asked] = forged.forgery.asked;
  expect(asked?.body.get("redirect_uri")).toBe(redirectUri);
  expect(asked?.body.get("code_verifier")).toHaveLength(43);
  // Where the issuer does not say otherwise, by the header, encoded as RFC 6749 has it.
  expect(asked?.authorization).toBe(`Basic ${btoa("penstock:FAKE%2Dsecret")}`);
  expect(asked?.body.has("client_secret")).toBe(false);
});

test("the client's secret goes the way that the issuer takes it", async () => {
  forged.forgery.metadata = {
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
  };
  await signIn();
  const [asked] = forged.forgery.asked;
  expect([asked?.authorization, asked?.body.get("client_secret")]).toEqual([undefined, "FAKE-secret"]);
});

test("a token that is for another, of another issuer or moment, or not signed by it names nobody", async () => {
  const wrong: Record<string, Partial<typeof forged.forgery>> = {
    "another issuer": { claims: { iss: "https://evil.example.test" } },
    "another audience": { claims: { aud: "other" } },
    "another audience beside ours, for which it was made": { claims: { aud: ["penstock", "other"], azp: "other" } },
    "another nonce": { claims: { nonce: "x".repeat(43) } },
    "no nonce": { claims: { nonce: undefined } },
    "over for two minutes": { claims: { exp: nowSeconds() - 120 } },
    "not yet good for two minutes": { claims: { nbf: nowSeconds() + 120 } },
    "without an end": { claims: { exp: undefined } },
    "without a subject": { claims: { sub: undefined } },
    "another key": { isOtherKey: true },
  };
  for (const [name, forgery] of Object.entries(wrong)) {
    forged.reset();
    Object.assign(forged.forgery, forgery);
    const { code, details } = await refusedBy(() => signIn());
    expect([name, code, details.log]).toEqual([name, "sign_in_failed", expect.stringMatching(/^issuer: OAUTH_/)]);
  }
});

test("a clock that is half a minute behind or before ours is no fault", async () => {
  for (const claims of [{ exp: nowSeconds() - 30 }, { iat: nowSeconds() + 30, nbf: nowSeconds() + 30 }]) {
    forged.forgery.claims = claims;
    expect((await signIn()).subject).toBe("subject-1");
  }
});

test("another state, an error, or an answer of another issuer's goes no further", async () => {
  const queries = [
    () => `?code=FAKE-code&state=${"x".repeat(43)}`,
    (right: string) => right.replace(/code=[^&]*&/, ""),
    (right: string) => right.replace(/code=[^&]*/, "error=access_denied"),
    (right: string) => `${right}&iss=https%3A%2F%2Fevil.example.test`,
    (right: string) => `${right}&state=twice`,
  ];
  for (const query of queries) {
    const { code } = await refusedBy(() => signIn(query));
    expect([query.toString(), code]).toEqual([query.toString(), "sign_in_failed"]);
  }
  expect(forged.forgery.asked).toEqual([]);
});

test("an address that is verified in any other way than by `true` is not", async () => {
  for (const given of [false, undefined, "true", 1]) {
    forged.forgery.claims = { email_verified: given };
    expect([given, (await signIn()).isVerified]).toEqual([given, false]);
  }
});

test("what the token leaves out is asked of the issuer, about the same subject alone", async () => {
  forged.forgery.claims = { email: undefined, email_verified: undefined };
  forged.forgery.userInfo = { sub: "subject-1", email: "grace@company.example.test", email_verified: true };
  expect(await signIn()).toMatchObject({ email: "grace@company.example.test", isVerified: true });
  forged.forgery.userInfo = { sub: "subject-2", email: "grace@company.example.test", email_verified: true };
  expect((await refusedBy(() => signIn())).code).toBe("sign_in_failed");
});

test("metadata of another issuer, or that lead nowhere, or no metadata are told as what they are", async () => {
  const wrong: Record<string, Partial<typeof forged.forgery>> = {
    "another issuer": { metadata: { issuer: "https://evil.example.test" } },
    "no page to go to": { metadata: { authorization_endpoint: undefined } },
    "a page that is a script": { metadata: { authorization_endpoint: "javascript:alert(1)" } },
    "an error": { status: 500 },
    "a redirect": { status: 302 },
  };
  for (const [name, forgery] of Object.entries(wrong)) {
    forged.reset();
    Object.assign(forged.forgery, forgery);
    for (const ask of [() => client.start(issuer, { redirectUri, hint: null }), () => client.probe(issuer)])
      expect([name, (await refusedBy(ask)).code]).toEqual([name, "bad_gateway"]);
  }
  forged.reset();
  await client.probe(issuer);
  forged.forgery.metadata = { jwks_uri: `${forged.url}/token` };
  expect((await refusedBy(() => client.probe(issuer))).code).toBe("bad_gateway");
  const gone = { ...issuer, url: "http://127.0.0.1:9" };
  expect((await refusedBy(() => client.start(gone, { redirectUri, hint: null }))).details.message).toBe(
    "The company login is out of reach. Try again.",
  );
});

test("metadata that were right lead a guarded issuer into no network of ours later", async () => {
  const web = new FakeWeb(Date.now);
  web.addresses.set("inside.example.test", ["10.0.0.1"]);
  const asked: string[] = [];
  const spy: typeof fetch = async (url, options) => {
    asked.push(String(url));
    return fetch(url, options);
  };
  const guarded = openOidcClient({ fetch: spy, guard: { resolver: web, isLocal: true } });
  const { url, flow } = await guarded.start(issuer, { redirectUri, hint: null });
  const query = forged.answer(url);
  for (const name of ["token_endpoint", "jwks_uri"])
    for (const target of ["http://10.0.0.1/", "https://inside.example.test/", "http://169.254.169.254/", "file:///x"]) {
      forged.forgery.metadata = { [name]: target };
      const { code } = await refusedBy(() => guarded.finish(issuer, { redirectUri, query, flow }));
      expect([name, target, ["bad_gateway", "sign_in_failed"].includes(code)]).toEqual([name, target, true]);
    }
  expect(asked.filter((one) => !one.startsWith(forged.url))).toEqual([]);
});
