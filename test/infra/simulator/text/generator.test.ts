import * as fc from "fast-check";
import { expect, test } from "vitest";
import { mix } from "#infra/simulator/text/hash.ts";
import { detokenize, imEnd } from "#infra/simulator/text/tokenizer.ts";
import { endOfAnswer, makeGenerator, type TokenGenerator } from "#infra/simulator/text/generator.ts";

function generate(next: TokenGenerator, seed: number, tokensMax: number, mayEnd = true): number[] {
  const tokens: number[] = [];
  for (let hash = seed, last = 10; tokens.length < tokensMax;) {
    last = next(last, hash, mayEnd);
    if (last === endOfAnswer) break;
    tokens.push(last);
    hash = mix(hash, last);
  }
  return tokens;
}

test("an answer ends by itself at about the requested length, and never when it may not", () => {
  const lengths = Array.from(
    { length: 400 },
    (_, seed) => generate(makeGenerator("prose", 80), mix(seed, 1), 10_000).length,
  );
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  expect(mean).toBeGreaterThan(50);
  expect(mean).toBeLessThan(120);
  expect(generate(makeGenerator("prose", 80), 1, 2_000, false)).toHaveLength(2_000);
  expect(generate(makeGenerator("prose", Infinity), 1, 2_000)).toHaveLength(2_000);
});

test("prose is whole characters, some of many bytes; SQL is SQL", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      (seed) =>
        void expect(
          detokenize(generate(makeGenerator("prose", Infinity), seed, 300)).replace(/\ufffd$/, ""),
        ).not.toContain("\ufffd"),
    ),
  );
  expect(detokenize(generate(makeGenerator("prose", Infinity), 3, 2_000))).toMatch(/é.*\p{Emoji_Presentation}/su);
  fc.assert(
    fc.property(
      fc.nat(),
      (seed) =>
        void expect(detokenize(generate(makeGenerator("sql", 80), seed, 500))).toMatch(
          /^SELECT [a-z, ]+ FROM [a-z]+[^;]*;$/,
        ),
    ),
  );
});

test("what follows depends on the last token and the hash alone", () => {
  expect(endOfAnswer).toBe(imEnd);
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(),
      (last, hash) =>
        void expect(makeGenerator("prose", 80)(last, hash, true)).toBe(makeGenerator("prose", 80)(last, hash, true)),
    ),
  );
});
