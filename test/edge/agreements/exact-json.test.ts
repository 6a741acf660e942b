import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasInexactNumber, isRawNumber, numberCharsMax, parseExact, scanJson } from "#edge/agreements/exact-json.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const isInexact = (text: string) => hasInexactNumber(bytesOf(text));

/** Any number that JSON can write, in any of its forms. */
const digits = fc.stringMatching(/^(0|[1-9][0-9]{0,30})$/);
const number = fc
  .tuple(
    fc.constantFrom("", "-"),
    digits,
    fc.oneof(fc.constant(""), fc.stringMatching(/^\.[0-9]{1,25}$/)),
    fc.oneof(fc.constant(""), fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/)),
  )
  .map((parts) => parts.join(""));

describe("a number that JavaScript would write otherwise is found", () => {
  const inexact = ["2512292042121000001", "9223372036854775807", "-9007199254740993", "1e400", "-1e400", "-0", "1.10"];
  for (const text of [
    ...inexact,
    "-0.0",
    "1E5",
    "1e5",
    "1.00",
    "0.10",
    "0.0000001",
    "12345678901234567890.5",
    "1e-400",
  ]) {
    test(`as ${text}`, () => {
      expect(isInexact(`{"a":{"b":[1,${text}]}}`)).toBe(true);
      expect(isInexact(`{"a":"${text}","b":["${text}\\"${text}"]}`)).toBe(false);
    });
  }

  test("and no other one, wherever it stands", () => {
    const exact = ["0", "-1", "15", "0.7", "-0.25", "1.5", "999999999999999", "9007199254740991", "1e+21", "5e-324"];
    for (const text of exact) expect(isInexact(`{"a":[${text}],"b":${text}}`), text).toBe(false);
  });

  test("but for `1.0` among the body's own members, which Python's SDK sends as settings", () => {
    expect(isInexact('{"temperature":1.0,"top_p": 0.0 ,"x":-2.0}')).toBe(false);
    for (const deeper of ['{"a":{"b":1.0}}', '{"a":[1.0]}', '{"a":1.00}', '{"a":-0.0}'])
      expect(isInexact(deeper)).toBe(true);
  });

  test("whenever parsing and writing would lose a digit", () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 6 }), (numbers) => {
        const text = `{"a":[${numbers.join()}]}`;
        expect(isInexact(text)).toBe(JSON.stringify(JSON.parse(text)) !== text || text.includes("null"));
      }),
      { numRuns: 3_000 },
    );
  });

  test("and malformed text harms nobody", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void isInexact(text)));
    for (const odd of ["-", "1e", "[[[[", '"', "}}}1.10", "1-2+3", ""]) isInexact(odd);
  });
});

describe("what is parsed exactly is written as it came", () => {
  test("every number, in any nesting, beside any text", () => {
    const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        number,
        fc.string().map((text) => JSON.stringify(text)),
        fc.constantFrom("true", "false", "null"),
        fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items.join()}]`),
        fc
          .uniqueArray(
            fc.tuple(
              fc.string({ minLength: 1 }).filter((name) => !/^\d+$/.test(name)),
              tie("value"),
            ),
            {
              maxLength: 4,
              selector: ([name]) => name,
            },
          )
          .map((members) => `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${inner}`).join()}}`),
      ),
    })).value;
    fc.assert(
      fc.property(value, (text) => {
        expect(JSON.stringify(parseExact(text))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  test("and numbers that a double keeps stay numbers", () => {
    expect(parseExact('{"a":[1,0.5,-3]}')).toEqual({ a: [1, 0.5, -3] });
    const { a, b } = Object(parseExact('{"a":1.10,"b":1.1}'));
    expect([isRawNumber(a), isRawNumber(b), isRawNumber({ rawJSON: "1" })]).toEqual([true, false, false]);
  });

  test("a number of more than 256 characters is refused", () => {
    expect(() => parseExact(`[${"9".repeat(numberCharsMax)}]`)).not.toThrow();
    expect(() => parseExact(`[${"9".repeat(numberCharsMax + 1)}]`)).toThrow(RangeError);
    expect(isInexact(`[${"9".repeat(numberCharsMax + 1)}]`)).toBe(true);
  });
});

test("a string where another parse has a number is never taken for one: text stays text", () => {
  const text = '{"a":"1.10","b":[1.10,"1.10"],"__proto__":{"c":1.10,"d":"1.10"},"a":"2.50"}';
  expect(JSON.stringify(parseExact(text))).toBe('{"a":"2.50","b":[1.10,"1.10"],"__proto__":{"c":1.10,"d":"1.10"}}');
});

test("settings as Python writes them are no reason to read all anew, where JavaScript keeps their value", () => {
  for (const text of ["1e-05", "5e-06", "1.5e-07"]) expect(isInexact(`{"min_p":${text}}`), text).toBe(false);
  for (const text of ["-0e-05", "1e-400", "1e5"]) expect(isInexact(`{"min_p":${text}}`), text).toBe(true);
});

describe("a look costs no more than the text is long", () => {
  const length = 1 << 16;
  /** Counts the bytes that are looked at, one by one or by a search. */
  function counted(text: string) {
    const bytes = bytesOf(text);
    let looks = 0;
    const search = (byte: number, from: number) => {
      const at = bytes.indexOf(byte, from);
      looks += (at === -1 ? bytes.length : at) - from;
      return at;
    };
    const watched = new Proxy(bytes, {
      get(target, name) {
        if (name === "indexOf") return search;
        if (name === "subarray") return target.subarray.bind(target);
        if (name !== "length") looks++;
        return Reflect.get(target, name, target);
      },
    });
    const all = Number.POSITIVE_INFINITY;
    scanJson(watched, { depth: all, outermost: all, members: all, items: all, fractions: all, digits: all });
    return looks / bytes.length;
  }
  const fill = (head: string, unit: string) => head + unit.repeat(Math.ceil(length / unit.length));
  const table = {
    quotes: fill("", '"'),
    "escaped quotes": fill('{"a":"', '\\"'),
    "escaped quotes far apart": fill('{"a":"', `${"x".repeat(64)}\\"`),
    "backslashes, then a quote": fill('{"a":"', `${"\\".repeat(99)}"`),
    backslashes: fill('{"a":"', "\\"),
    "empty strings": fill('["', '","'),
    numbers: fill("[1", ",1"),
    "long numbers": fill("[1", `,${"1".repeat(250)}`),
    fractions: fill("[1", ",1.10"),
    text: fill('{"a":"', "x"),
    lists: fill("", "[],"),
    "unicode escapes": fill('{"a":"', "\\u0041"),
  };
  for (const [name, text] of Object.entries(table))
    test(`of ${name}`, () => expect(counted(text)).toBeLessThanOrEqual(3));
});
