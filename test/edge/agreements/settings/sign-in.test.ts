import { expect, test } from "vitest";
import { findMailFaults, readKidNumber, signInSettings } from "#edge/agreements/settings/sign-in.ts";

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

test("an issuer has a name for its address, and nothing that is not known", () => {
  const issuer = { id: "company", name: "Company", issuer: "https://id.example.test", clientId: "a", secret: "b" };
  const read = (value: object) => signInSettings.OIDC.safeParse(JSON.stringify([value]));
  expect(read(issuer).data).toEqual([{ ...issuer, provesSecondFactor: false }]);
  for (const bad of [{ id: "A b" }, { issuer: "ftp://id.example.test" }, { secret: "" }, { scopes: [] }])
    expect([bad, read({ ...issuer, ...bad }).success]).toEqual([bad, false]);
});
