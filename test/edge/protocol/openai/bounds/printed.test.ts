import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseExact } from "#edge/agreements/exact-json.ts";
import { boundPrinted, indentMax } from "#edge/protocol/openai/bounds/printed.ts";
import { boundText } from "#edge/protocol/openai/bounds/text.ts";
import { hostileJson } from "#test/support/bounds/hostile-chats.ts";
import { hostileText } from "#test/support/bounds/hostile-texts.ts";
import { printPython, writeFloat } from "#test/support/bounds/python-json.ts";

const printing = fc.record({ isAscii: fc.boolean(), isHtml: fc.boolean(), indent: fc.constantFrom(0, 2, indentMax) });

describe("the bound of what is printed", () => {
  test("covers whatever Python prints of it, with escapes, blanks and lines of any kind", () => {
    fc.assert(
      fc.property(hostileJson, printing, (json, how) => {
        const printed = printPython(parseExact(json), how);
        for (const form of ["NFC", "NFKC"] as const)
          expect(boundPrinted(json, form, how.indent)).toBeGreaterThanOrEqual(boundText(printed, form));
      }),
      { numRuns: 3_000 },
    );
  });

  test("covers a text that is printed as a string, as it is, or parsed", () => {
    fc.assert(
      fc.property(fc.oneof(hostileText, hostileJson), printing, (text, how) => {
        const bound = boundPrinted(text, "NFKC");
        expect(bound).toBeGreaterThanOrEqual(boundText(printPython(text, { ...how, indent: 0 }), "NFKC"));
        expect(bound).toBeGreaterThanOrEqual(boundText(text, "NFKC"));
      }),
      { numRuns: 2_000 },
    );
  });

  const table: [string, string][] = [
    ["1e15", "1000000000000000.0"],
    ["-1e15", "-1000000000000000.0"],
    ["1E+2", "100.0"],
    ["-0.0", "-0.0"],
    ["1e308", "1e+308"],
    ["0.00001", "1e-05"],
    ["-2.2250738585072014e-308", "-2.2250738585072014e-308"],
    ["12345678901234567.5", "1.2345678901234568e+16"],
    ["1e400", "Infinity"],
  ];
  for (const [sent, printed] of table) {
    test(`knows that Python prints ${sent} as ${printed}`, () => {
      expect(writeFloat(Number(sent))).toBe(printed);
      expect(boundPrinted(sent, "NFC")).toBeGreaterThanOrEqual(printed.length);
    });
  }

  test("keeps a list of small numbers small", () => {
    const ones = `[${Array.from({ length: 1_000 }, () => "1").join(",")}]`;
    expect(boundPrinted(ones, "NFC")).toBeLessThan(1.6 * ones.length);
  });

  test("is a count for text that is no JSON", () => {
    for (const text of ["", "\\", '"\\u', '"\\uzz', "]]]}", "NaN", "-", "1e", '{"a":', "\ud800", "+++...eee"])
      expect(boundPrinted(text, "NFC", indentMax)).toBeGreaterThanOrEqual(text.length);
  });
});
