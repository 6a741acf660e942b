import fc from "fast-check";
import { expect, test } from "vitest";
import { findPatternFault } from "#edge/protocol/openai/members/structure/pattern.ts";

const large = "must not repeat anything more than 64 times";
const nested = "must not have a count within a count";

test.each([
  ["^[a-z]+$", null],
  ["a{64}", null],
  ["a{65}", large],
  ["a{0,65}", large],
  ["a{65,}", large],
  ["(a{2}){3}", nested],
  ["((a{2})b){3}", nested],
  ["(?:[0-9]{4}-){2}", nested],
  ["(a{2})+", null],
  ["(a+){3}", null],
  ["a{2}b{3}", null],
  ["(a{2})(b{3})", null],
  ["(a{2})(b){3}", null],
  [String.raw`a\{99\}`, null],
  ["[{99}]", null],
  ["[]{99}]", null],
  [String.raw`[\]{99}]`, null],
  ["a{x}", null],
  ["a{}", null],
  ["a{,}", null],
  [")){2}", null],
])("%s: %s", (pattern, fault) => {
  expect(findPatternFault(pattern)).toBe(fault);
});

test("any text is read to its end, once", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."a{}()[]\\,0129+*?|^$") }), (pattern) => {
      const fault = findPatternFault(pattern);
      expect([null, large, nested]).toContain(fault);
      // A count that stands behind what was read whole is found whatever comes before it, or nothing is.
      if (fault === null && !/[\\[]/.test(pattern)) expect(findPatternFault(`${pattern}|a{99}`)).toBe(large);
    }),
    { numRuns: 2_000 },
  );
  expect(findPatternFault("(".repeat(100_000))).toBeNull();
});
