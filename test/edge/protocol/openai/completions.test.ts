import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countPrompts, joinPromptText } from "#edge/protocol/openai/completions.ts";
import type { PromptInput } from "#edge/protocol/openai/members/prompt-input.ts";
import { tokenIdMax } from "#edge/limits.ts";

describe("a prompt", () => {
  const table: [PromptInput, number, string][] = [
    ["", 1, ""],
    ["abc", 1, "abc"],
    [["a", "字字"], 2, "a\n字字"],
    [[1, 2, 3], 1, "\n\n"],
    [[0], 1, ""],
    [[[1, 2], [3]], 2, "\n"],
  ];
  for (const [prompt, count, text] of table) {
    test(`${JSON.stringify(prompt)} holds ${count}`, () => {
      expect([countPrompts(prompt), joinPromptText(prompt)]).toEqual([count, text]);
    });
  }

  test("is one, or as many as the list has", () => {
    const ids = fc.array(fc.nat({ max: tokenIdMax }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(ids, fc.array(ids, { minLength: 1, maxLength: 10 }), (one, several) => {
        expect(countPrompts(one)).toBe(1);
        expect(countPrompts(several)).toBe(several.length);
        expect(countPrompts(several.map(String))).toBe(several.length);
      }),
    );
  });
});
