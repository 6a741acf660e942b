import { generateKeyPairSync, sign, verify } from "node:crypto";
import { expect, test } from "vitest";
import { ECDSASigValue } from "#edge/adapters/better-auth/left-out/asn1-ecc.ts";
import { AsnParser } from "#edge/adapters/better-auth/left-out/asn1-schema.ts";

const parse = (bytes: Uint8Array<ArrayBuffer>) => AsnParser.parse(bytes, ECDSASigValue);
const fit = (integer: ArrayBuffer, length: number) => {
  const bytes = Buffer.from(integer);
  return Buffer.concat([Buffer.alloc(length), bytes]).subarray(-length);
};

test("the two integers of a real signature are those by which it verifies", () => {
  for (const [namedCurve, length] of [
    ["P-256", 32],
    ["P-384", 48],
    ["P-521", 66],
  ] as const) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    for (let times = 0; times < 200; times++) {
      const text = Buffer.from(String(times));
      const { r, s } = parse(new Uint8Array(sign("sha256", text, privateKey)));
      const raw = Buffer.concat([fit(r, length), fit(s, length)]);
      expect(verify("sha256", text, { key: publicKey, dsaEncoding: "ieee-p1363" }, raw)).toBe(true);
    }
  }
});

test("whatever is no signature by DER is refused", () => {
  const bad = [
    "",
    "30",
    "3000",
    "3006020101",
    "300602010102018000",
    "3006020101020180",
    "3007020101020200ff00",
    "3006020100020200",
    "30070201010202007f",
    "300602000203010101",
    "3106020101020101",
    "3006030101020101",
    "30060201010201010000",
    "308106020101020101",
    "3080020101020101",
    "300902010102010102010100",
    "3009020101020101020101",
  ];
  for (const hex of bad) expect(() => parse(Uint8Array.from(Buffer.from(hex, "hex"))), hex).toThrow(RangeError);
  expect(new Uint8Array(parse(Uint8Array.from(Buffer.from("3006020101020102", "hex"))).s)).toEqual(Uint8Array.of(2));
});

test("nothing else is read", () => {
  expect(() => AsnParser.parse(new Uint8Array(), "left out")).toThrow(TypeError);
});
