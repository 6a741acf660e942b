import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundPrompts } from "#edge/protocol/openai/bounds/prompts.ts";
import { boundText, marksPerPrompt as marks } from "#edge/protocol/openai/bounds/text.ts";
import { hostileText } from "#test/support/bounds/hostile-texts.ts";
import { createCounter, families, familyNames } from "#test/support/bounds/tokenizers.ts";
import { tokenIdMax } from "#edge/limits.ts";

describe("the bound of prompts", () => {
  const table: [Parameters<typeof boundPrompts>[0], number][] = [
    ["", marks],
    ["abc", 3 + marks],
    ["字", 3 + marks],
    [["a", "字字"], 1 + 6 + 2 * marks],
    [[1, 2, 3], 3 + marks],
    [[0], 1 + marks],
    [[[1, 2], [3]], 3 + 2 * marks],
  ];
  for (const [prompt, bound] of table) {
    test(`${JSON.stringify(prompt)} holds at most ${bound} tokens`, () => {
      expect(boundPrompts(prompt, { model: {} })).toBe(bound);
    });
  }

  test("is the bound of each text, its suffix and four marks", () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 5 }), hostileText, (prompts, suffix) => {
        const sum = prompts.reduce((all, text) => all + boundText(text, "NFC") + marks, 0);
        expect(boundPrompts(prompts, { model: {} })).toBe(sum);
        const after = prompts.length * boundText(suffix, "NFC");
        expect(boundPrompts(prompts, { model: {}, suffix })).toBe(sum + after);
        expect(boundPrompts(prompts[0] ?? "", { model: {} })).toBe(boundText(prompts[0] ?? "", "NFC") + marks);
      }),
    );
  });

  test("of ids is how many there are", () => {
    const ids = fc.array(fc.nat({ max: tokenIdMax }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(ids, fc.array(ids, { minLength: 1, maxLength: 10 }), (one, several) => {
        expect(boundPrompts(one, { model: {} })).toBe(one.length + marks);
        expect(boundPrompts(several, { model: {} })).toBe(several.flat().length + marks * several.length);
      }),
    );
  });

  test("holds what an engine counts over all inputs of an embedding (M2)", () => {
    for (const family of familyNames) {
      const count = createCounter(family);
      fc.assert(
        fc.property(fc.array(hostileText, { minLength: 1, maxLength: 8 }), (inputs) => {
          const counted = inputs.reduce((sum, text) => sum + count(text), 0);
          expect(counted).toBeLessThanOrEqual(boundPrompts(inputs, { model: { normalizes: families[family] } }));
        }),
        { numRuns: 100 },
      );
    }
  });
});
