import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HmacKey } from "#edge/agreements/hmac.ts";
import { buildForm, findAgeFault, makeMacToken, verifyMacToken } from "#edge/agreements/tokens/mac-token.ts";
import { secretOf } from "#test/support/fakes/keyring.ts";

const keyOf = (byte: number) => new HmacKey(Buffer.from(secretOf(byte), "base64url"));
const [one, other] = [keyOf(1), keyOf(2)];
const keys = new Map([["k1", one]]);
const form = buildForm("kind1", { word: "[a-z]{1,8}", count: "0|[1-9]\\d{0,3}" });
const token = makeMacToken("kind1", ["word", 12], keys);

test("a token is its kind, kid and fields, and an HMAC-SHA-256 (RFC 2104) of all that in base64url", () => {
  const mac = createHmac("sha256", Buffer.from(secretOf(1), "base64url"))
    .update("kind1:k1:word:12")
    .digest("base64url");
  expect(token).toBe(`kind1:k1:word:12:${mac}`);
  expect(verifyMacToken(form, token, keys)).toMatchObject({ word: "word", count: "12" });
});

test("RFC 4231's second case is what its MAC is made with", () => {
  const jefe = new Map([["k1", new HmacKey(Buffer.from("Jefe"))]]);
  const said = "what do ya want for nothing?";
  const mac = makeMacToken(said, [], jefe).split(":").at(-1);
  const expected = createHmac("sha256", "Jefe").update(`${said}:k1:`).digest("base64url");
  expect(mac).toBe(expected);
  expect(createHmac("sha256", "Jefe").update(said).digest("hex")).toMatch(/^5bdcc146bf60754e6a042426089575c75a003f08/);
});

test("the first of two keys makes, and both verify; of a kid that is gone nothing does", () => {
  const both = new Map([
    ["k2", other],
    ["k1", one],
  ]);
  const made = makeMacToken("kind1", ["word", 12], both);
  expect(made).toMatch(/^kind1:k2:/);
  for (const shown of [made, token]) expect(verifyMacToken(form, shown, both)).not.toBeNull();
  expect(verifyMacToken(form, token, new Map([["k2", other]]))).toBeNull();
  expect(() => makeMacToken("kind1", [], new Map())).toThrow("no key");
});

describe("a token that is not what was made is refused", () => {
  test("with any one character of it changed, added or gone", () => {
    const alphabet = [..."abkKz09:-_%.\n é"];
    fc.assert(
      fc.property(fc.nat(token.length), fc.constantFrom(...alphabet), fc.constantFrom(0, 1), (at, char, cut) => {
        const altered = token.slice(0, at) + char + token.slice(at + cut);
        fc.pre(altered !== token);
        expect(verifyMacToken(form, altered, keys)).toBeNull();
      }),
      { numRuns: 2_000 },
    );
    for (let at = 0; at < token.length; at++)
      expect(verifyMacToken(form, token.slice(0, at) + token.slice(at + 1), keys)).toBeNull();
  });

  test.each<[string, string]>([
    ["nothing", ""],
    ["under another key of this kid", makeMacToken("kind1", ["word", 12], new Map([["k1", other]]))],
    ["under this key by another kid", makeMacToken("kind1", ["word", 12], new Map([["k9", one]]))],
    ["under a kid that every object has", token.replace("k1", "constructor")],
    ["of another kind", makeMacToken("kind2", ["word", 12], keys)],
    ["with a field too few", makeMacToken("kind1", ["word"], keys)],
    ["with a field too many", makeMacToken("kind1", ["word", 12, 1], keys)],
    ["with a field of another form", makeMacToken("kind1", ["word", "012"], keys)],
    ["with fields in another order", makeMacToken("kind1", [12, "word"], keys)],
    ["with a line's end after it", `${token}\n`],
    ["twice", `${token}:${token}`],
  ])("%s", (_, shown) => {
    expect(verifyMacToken(form, shown, keys)).toBeNull();
  });
});

test("a token is good from 30 s before it was made to 90 s after: a minute, by clocks 30 s apart", () => {
  const at = 1_000_000;
  const faults = [-30_001, -30_000, 0, 89_999, 90_000].map((laterMs) => findAgeFault(at, at + laterMs));
  expect(faults).toEqual(["future", null, null, null, "expired"]);
});
