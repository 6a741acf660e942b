import { expect, test } from "vitest";
import { findMailFaults, findSignUpFaults, readKidNumber, signInSettings } from "#edge/agreements/settings/sign-in.ts";

const secret = "FAKE-session-key-FAKE-session-key-FAKE-sess";
const keys = (value: object) => signInSettings.SESSION_KEYS.safeParse(JSON.stringify(value)).success;

test("session keys have kids with a number each, of their own", () => {
  expect(readKidNumber("a12")).toBe(12);
  expect(readKidNumber("a")).toBe(null);
  expect([keys({ a1: secret }), keys({ a2: secret, a1: secret })]).toEqual([true, true]);
  expect([keys({ a: secret }), keys({ a1: secret, b1: secret }), keys({ a1: "short" }), keys({})]).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test("each way of sending mail needs what it needs", () => {
  const names = (settings: Parameters<typeof findMailFaults>[0]) => findMailFaults(settings).map(({ path }) => path[0]);
  expect(names({})).toEqual([]);
  expect(names({ MAIL: "local" })).toEqual([]);
  expect(names({ MAIL: "cloudflare" })).toEqual(["MAIL_FROM"]);
  expect(names({ MAIL: "postmark", MAIL_URL: "https://mail.example.test" })).toEqual(["MAIL_FROM", "MAIL_TOKEN"]);
});

test("who may sign up is one of three, and listed domains are domains", () => {
  const domains = (text: string) => signInSettings.SIGN_UP_DOMAINS.safeParse(text);
  expect(domains("Example.com, example.org,").data).toEqual(["example.com", "example.org"]);
  expect(signInSettings.SIGN_UP_DOMAINS.parse(undefined)).toEqual([]);
  for (const bad of ["example", "@example.com", "ada@example.com", "*.example.com"])
    expect([bad, domains(bad).success]).toEqual([bad, false]);
  expect(signInSettings.SIGN_UP.safeParse("nobody").success).toBe(false);
  expect(findSignUpFaults({ SIGN_UP: "domains", SIGN_UP_DOMAINS: [] }).map(({ path }) => path[0])).toEqual([
    "SIGN_UP_DOMAINS",
  ]);
  expect(findSignUpFaults({ SIGN_UP: "domains", SIGN_UP_DOMAINS: ["example.com"] })).toEqual([]);
  expect(findSignUpFaults({ SIGN_UP: "invited", SIGN_UP_DOMAINS: [] })).toEqual([]);
});

test("an issuer has a name for its address, and nothing that is not known", () => {
  const issuer = { id: "company", name: "Company", issuer: "https://id.example.test", clientId: "a", secret: "b" };
  const read = (value: object) => signInSettings.OIDC.safeParse(JSON.stringify([value]));
  expect(read(issuer).data).toEqual([{ ...issuer, provesSecondFactor: false }]);
  for (const bad of [{ id: "A b" }, { issuer: "ftp://id.example.test" }, { secret: "" }, { scopes: [] }])
    expect([bad, read({ ...issuer, ...bad }).success]).toEqual([bad, false]);
});
