import { beforeAll, describe, expect, test, vi } from "vitest";
import { mintKey } from "#edge/agreements/tokens/key-format.ts";
import { buildErrorBody, buildErrorHeaders } from "#edge/errors.ts";
import { identify, mintClientToken, openVerifiedKeys, type VerifiedKeys } from "#edge/identity/index.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { keyringOf, secretOf, tokenKeyOf } from "#test/support/fakes/keyring.ts";
import { refusedBy } from "#test/support/fakes/refused.ts";
import { posted, startedAtMs, visitOf } from "#test/support/fakes/visit.ts";

const tokenKey = await tokenKeyOf();
const org = "org_Ab0Cd1Ef2G";
let keys: VerifiedKeys;
let inference: { id: string; text: string };
let admin: { text: string };
let foreign: { text: string };
beforeAll(async () => {
  const keyring = await keyringOf();
  keys = openVerifiedKeys(keyring);
  inference = await mintKey("inference", org, keyring, generateRandomBytes);
  admin = await mintKey("admin", org, keyring, generateRandomBytes);
  foreign = await mintKey("inference", org, await keyringOf({ t1: secretOf(77) }), generateRandomBytes);
});
const ipHeader = "cf-connecting-ip";
const withHeaders = (headers: Record<string, string>) => new Request("http://edge/v1/models", { headers });

describe("a key of ours is known", () => {
  const ways: [string, (key: string) => Record<string, string>][] = [
    ["as a bearer", (key) => ({ authorization: `Bearer ${key}` })],
    ["in small letters", (key) => ({ authorization: `bearer ${key}` })],
    ["in capitals", (key) => ({ authorization: `BEARER ${key}` })],
    ["behind several blanks", (key) => ({ authorization: `Bearer    ${key}  ` })],
    ["as Anthropic's clients send it", (key) => ({ "x-api-key": key })],
    ["as Azure's clients send it", (key) => ({ "api-key": key })],
    ["beside another scheme of authorization", (key) => ({ authorization: "Basic dXNlcjpwYXNz", "x-api-key": key })],
    ["as the bearer, whatever else is sent", (key) => ({ authorization: `Bearer ${key}`, "x-api-key": "sk-other" })],
  ];
  for (const [name, headersOf] of ways) {
    test(`${name}`, async () => {
      const credential = await identify(
        withHeaders(headersOf(inference.text)),
        { keys, tokenKey, ipHeader },
        startedAtMs,
      );
      expect(credential).toEqual({
        org,
        key: inference.id,
        digests: [{ kid: "p1", digest: expect.stringMatching(/^[0-9a-f]{64}$/) }],
        ip: null,
      });
    });
  }

  test("and what is handed on does not hold the key itself", async () => {
    expect(
      JSON.stringify(
        await identify(withHeaders({ "x-api-key": inference.text }), { keys, tokenKey, ipHeader }, startedAtMs),
      ),
    ).not.toContain(inference.text.slice(24, 40));
  });
});

test("a client token counts as its key, with its own scopes, the caller's address and no digest", async () => {
  const minter = { org, key: inference.id, digests: [], ip: null };
  const { token } = await mintClientToken(
    visitOf(posted({ models: ["chat"], expires_in: 60 })),
    minter,
    tokenKey,
    ({ models = null }) => ({ endpoints: null, models }),
  );
  for (const headers of [{ authorization: `Bearer ${token}` }, { "x-api-key": token }]) {
    expect(
      await identify(
        withHeaders({ ...headers, "cf-connecting-ip": "203.0.113.7" }),
        { keys, tokenKey, ipHeader },
        startedAtMs,
      ),
    ).toEqual({
      org,
      key: inference.id,
      token: { endpoints: null, models: ["chat"] },
      digests: [],
      ip: "00000000000000000000ffffcb007107",
    });
  }
  expect(
    (
      await refusedBy(() =>
        identify(withHeaders({ "x-api-key": token }), { keys, tokenKey, ipHeader }, startedAtMs + 60_000),
      )
    ).code,
  ).toBe("invalid_api_key");
});

describe("a refusal explains what the form alone shows, and reveals nothing of any key", () => {
  const ways: [string, () => Record<string, string>, RegExp][] = [
    ["nothing", () => ({}), /^No API key was sent/],
    ["the key in a query or a cookie", () => ({ cookie: `key=${inference.text}` }), /^No API key was sent/],
    ["an empty bearer", () => ({ authorization: "Bearer " }), /header holds no key/],
    ["the key without a scheme", () => ({ authorization: inference.text }), /header holds no key/],
    ["the key in two words", () => ({ authorization: `Bearer ${inference.text} x` }), /header holds no key/],
    ["a scheme in second place", () => ({ authorization: `Token Bearer ${inference.text}` }), /header holds no key/],
    ["a wrong scheme", () => ({ authorization: `Token ${inference.text}` }), /header holds no key/],
    ["an admin key", () => ({ authorization: `Bearer ${admin.text}` }), /^This is an admin key/],
    ["what was never an admin key", () => ({ "x-api-key": "sk-pen-admin-x" }), /^This is an admin key/],
  ];
  test.each(ways)("%s", async (_name, headersOf, message) => {
    const refusal = await refusedBy(() =>
      identify(withHeaders(headersOf()), { keys, tokenKey, ipHeader }, startedAtMs),
    );
    const { error } = buildErrorBody(refusal);
    expect([refusal.status, error.code, error.type]).toEqual([401, "invalid_api_key", "authentication_error"]);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain(inference.text);
    expect(error.message).not.toContain(admin.text);
  });
});

describe("everything else gets the same 401, to the byte", () => {
  const ways: [string, () => Record<string, string>][] = [
    ["an OpenAI key", () => ({ authorization: "Bearer sk-proj-0123456789abcdef0123456789abcdef" })],
    [
      "a typing error",
      () => ({ authorization: `Bearer ${inference.text.slice(0, -1)}${inference.text.endsWith("0") ? "1" : "0"}` }),
    ],
    ["a cut key", () => ({ "x-api-key": inference.text.slice(0, -3) })],
    ["a well-formed key of another gateway", () => ({ "api-key": foreign.text })],
    ["two keys in one header", () => ({ "x-api-key": `${inference.text}, ${inference.text}` })],
    ["a bad bearer beside a good key", () => ({ authorization: "Bearer nonsense", "x-api-key": inference.text })],
    ["what only begins as a client token does", () => ({ authorization: "Bearer eyJhbGciOiJFZERTQSJ9.e30.AAAA" })],
    ["a very long header", () => ({ authorization: `Bearer ${"a".repeat(10_000)}` })],
  ];
  for (const [name, headersOf] of ways) {
    test(`${name}`, async () => {
      const refusal = await refusedBy(() =>
        identify(withHeaders(headersOf()), { keys, tokenKey, ipHeader }, startedAtMs),
      );
      expect([refusal.status, buildErrorBody(refusal), buildErrorHeaders(refusal)]).toEqual([
        401,
        {
          error: {
            message: "Incorrect API key provided.",
            type: "authentication_error",
            param: null,
            code: "invalid_api_key",
          },
        },
        { "content-type": "application/json", "cache-control": "no-store", "www-authenticate": "Bearer" },
      ]);
    });
  }
});

describe("the caller's address", () => {
  const table: [Record<string, string>, string | null][] = [
    [{ "cf-connecting-ip": "203.0.113.7" }, "00000000000000000000ffffcb007107"],
    [{ "cf-connecting-ip": "2001:db8::1" }, "20010db8000000000000000000000001"],
    [{ "cf-connecting-ip": "nonsense" }, null],
    [{ "cf-connecting-ip": "203.0.113.7, 10.0.0.1" }, null],
    [
      {
        "x-forwarded-for": "203.0.113.7",
        "x-real-ip": "203.0.113.7",
        "true-client-ip": "203.0.113.7",
        forwarded: "for=203.0.113.7",
      },
      null,
    ],
  ];
  for (const [headers, ip] of table) {
    test(`${JSON.stringify(headers).slice(0, 60)} -> ${ip}`, async () => {
      expect(
        (
          await identify(
            withHeaders({ ...headers, "x-api-key": inference.text }),
            { keys, tokenKey, ipHeader },
            startedAtMs,
          )
        ).ip,
      ).toBe(ip);
    });
  }
});

test("no I/O is done and the body is not touched, for good keys and bad", async () => {
  const fetching = vi.spyOn(globalThis, "fetch");
  const request = new Request("http://edge/", { method: "POST", body: "x", headers: { "x-api-key": inference.text } });
  await identify(request, { keys, tokenKey, ipHeader }, startedAtMs);
  await refusedBy(() =>
    identify(withHeaders({ "x-api-key": foreign.text }), { keys, tokenKey, ipHeader }, startedAtMs),
  );
  expect(request.bodyUsed).toBe(false);
  expect(fetching).not.toHaveBeenCalled();
  fetching.mockRestore();
});
