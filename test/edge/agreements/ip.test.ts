import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isInRanges, findNetwork, readCidr, readIp } from "#edge/agreements/ip.ts";

const mapped = "00000000000000000000ffff";
const all = (bits: number) => (1n << BigInt(bits)) - 1n;
const hex = (value: bigint) => value.toString(16).padStart(32, "0");

describe("addresses", () => {
  const good: [string, string][] = [
    ["203.0.113.7", `${mapped}cb007107`],
    ["0.0.0.0", `${mapped}00000000`],
    ["255.255.255.255", `${mapped}ffffffff`],
    ["::", "0".repeat(32)],
    ["::1", "1".padStart(32, "0")],
    ["1::", `0001${"0".repeat(28)}`],
    ["2001:DB8::a", "20010db800000000000000000000000a"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::2:3:4:5:6:7:8", "00000002000300040005000600070008"],
    ["::ffff:203.0.113.7", `${mapped}cb007107`],
    ["::FFFF:cb00:7107", `${mapped}cb007107`],
    ["64:ff9b::203.0.113.7", "0064ff9b0000000000000000cb007107"],
    ["1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304"],
  ];
  for (const [text, digits] of good) test(`'${text}' is read`, () => expect(readIp(text)).toBe(digits));

  const bad = [
    [
      "",
      " ",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "1.2.3.-4",
      "1.2.3.04",
      "01.2.3.4",
      "1.2.3.4 ",
      " 1.2.3.4",
      "0x7f.0.0.1",
      "2130706433",
      "1.2.3.4:80",
      "1.2.3.1e1",
      "localhost",
    ],
    [
      ":",
      ":::",
      "::1::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::",
      ":1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:",
      "12345::",
      "g::",
      "fe80::1%eth0",
      "[::1]",
      "::1/128",
    ],
    [
      "::1.2.3",
      "::1.2.3.256",
      "1.2.3.4::",
      "1:2:3:4:5:6:7:1.2.3.4",
      "::ffff:1.2.3.4:5",
      "::١",
      "１.2.3.4",
      "::-1",
      "::+1",
      ": :",
    ],
  ].flat();
  for (const text of bad) test(`'${text}' is none`, () => expect(readIp(text)).toBeNull());

  test("whatever is read is an address for node as well, and the other way round", () => {
    const part = fc.constantFrom("0", "1", "ffff", "00", "1.2.3.4", "", ":", "::", "255", "256", ".", "a");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 17 }), (parts) => {
        const text = parts.join("");
        expect(readIp(text) !== null, text).toBe(isIPv4(text) || isIPv6(text));
      }),
      { numRuns: 5_000 },
    );
  });

  test("a long hostile text is refused at once", () => {
    const start = performance.now();
    for (const text of [
      "1:".repeat(500_000),
      ":".repeat(1_000_000),
      "1.".repeat(500_000),
      `::${"f".repeat(1_000_000)}`,
    ])
      expect(readIp(text)).toBeNull();
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe("ranges", () => {
  const bad = [
    "",
    "/",
    "1.2.3.4/",
    "1.2.3.4/33",
    "1.2.3.4/-1",
    "1.2.3.4/08",
    "1.2.3.4/8/8",
    "1.2.3.4/1e1",
    "1.2.3.4/ 8",
    "1.2.3.4/24",
    "10.0.0.1/8",
    "2001:db8::1/32",
    "::/129",
    "::1/0",
    "/24",
    "1.2.3/8",
    "::ffff:1.2.3.4/24",
  ];
  for (const text of bad) test(`'${text}' is refused`, () => expect(readCidr(text)).toBeNull());

  test("a bare address is a range of one", () => {
    expect(readCidr("203.0.113.7")).toEqual({ from: `${mapped}cb007107`, to: `${mapped}cb007107` });
    expect(readCidr("::1/128")).toEqual({ from: hex(1n), to: hex(1n) });
  });

  test("0.0.0.0/0 is all of IPv4 and nothing of IPv6; ::/0 is everything", () => {
    const v4 = readCidr("0.0.0.0/0");
    const everything = readCidr("::/0");
    if (!v4 || !everything) throw new Error("not read");
    expect(isInRanges(readIp("255.255.255.255"), [v4])).toBe(true);
    expect(isInRanges(readIp("::1"), [v4])).toBe(false);
    expect(isInRanges(readIp("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), [everything])).toBe(true);
    expect(isInRanges(readIp("1.2.3.4"), [everything])).toBe(true);
  });

  test("an unknown address is in no range, and no address is in an empty list", () => {
    const everything = readCidr("::/0");
    expect(everything && isInRanges(null, [everything])).toBe(false);
    expect(isInRanges(readIp("1.2.3.4"), [])).toBe(false);
  });

  test("IPv6: membership is what arithmetic says", () => {
    const near = fc.bigInt({ min: -2n, max: 2n });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: all(128) }),
        fc.integer({ min: 0, max: 128 }),
        fc.bigInt({ min: 0n, max: all(128) }),
        fc.boolean(),
        near,
        (base, width, far, isFar, step) => {
          const size = 1n << BigInt(128 - width);
          const from = (base / size) * size;
          const range = readCidr(`${colons(from)}/${width}`);
          if (!range) throw new Error(`${colons(from)}/${width} was not read`);
          const edge = step >= 0n ? from + size - 1n + step : from + step;
          const asked = isFar ? far : BigInt.asUintN(128, edge);
          expect(isInRanges(readIp(colons(asked)), [range])).toBe(asked >= from && asked < from + size);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("IPv4: membership is what arithmetic says, also when the caller comes as ::ffff:a.b.c.d", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: all(32) }),
        fc.integer({ min: 0, max: 32 }),
        fc.bigInt({ min: 0n, max: all(32) }),
        (base, width, asked) => {
          const size = 1n << BigInt(32 - width);
          const from = (base / size) * size;
          const range = readCidr(`${dots(from)}/${width}`);
          if (!range) throw new Error("not read");
          const isIn = asked >= from && asked < from + size;
          expect(isInRanges(readIp(dots(asked)), [range])).toBe(isIn);
          expect(isInRanges(readIp(`::ffff:${dots(asked)}`), [range])).toBe(isIn);
        },
      ),
      { numRuns: 500 },
    );
  });
});

function colons(value: bigint): string {
  return (hex(value).match(/.{4}/g) ?? []).join(":");
}

function dots(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
}

describe("who is counted as one", () => {
  const network = (text: string) => findNetwork(readIp(text) ?? expect.fail(text));

  test("is an IPv4 address, however it is written", () => {
    expect(network("203.0.113.7")).not.toBe(network("203.0.113.8"));
    expect(network("::ffff:203.0.113.7")).toBe(network("203.0.113.7"));
    expect(network("::ffff:cb00:7107")).toBe(network("203.0.113.7"));
  });

  test("is a /56 of IPv6, and no more", () => {
    expect(network("2001:db8:1:2::7")).toBe(network("2001:db8:1:ff:ffff:ffff:ffff:ffff"));
    expect(network("2001:db8:1:2::7")).not.toBe(network("2001:db8:1:102::7"));
    expect(network("::1")).not.toBe(network("0.0.0.1"));
  });
});
