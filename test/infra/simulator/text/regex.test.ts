import * as fc from "fast-check";
import { expect, test } from "vitest";
import { generateMatch } from "#infra/simulator/text/regex.ts";

const patterns = [
  "yes|no",
  String.raw`\d{3}-\d{4}`,
  String.raw`^[A-Z][a-z]+( [A-Z][a-z]+)*$`,
  String.raw`(?:\+\d{1,3} )?\(?\d{2,}\)?`,
  String.raw`[^"\\]{1,10}`,
  String.raw`\w+@\w+\.(com|org)`,
  String.raw`#[0-9a-fA-F]{6}`,
  "a.c?",
  "ä{2}",
  "",
];

test.each(patterns)("what is written for %s is matched by it, whole", (pattern) => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      expect(generateMatch(pattern, seed)).toMatch(new RegExp(`^(?:${pattern})$`, "us"));
      expect(generateMatch(pattern, seed)).toBe(generateMatch(pattern, seed));
    }),
  );
});

test.each(["[", "(", "a)", "*", "a{3,1}", "(?=a)b", String.raw`(a)\1`, "a{5000}", "a^b", "[b-a]"])(
  "%s is refused",
  (pattern) => {
    expect(() => generateMatch(pattern, 1)).toThrow(RangeError);
  },
);
