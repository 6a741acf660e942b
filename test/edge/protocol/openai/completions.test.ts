import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundPrompt, countPrompts, joinPromptText } from "#edge/protocol/openai/completions.ts";
import type { PromptInput } from "#edge/protocol/openai/members/prompt-input.ts";

const bytes = (text: string) => new TextEncoder().encode(text).length;

describe("a prompt", () => {
  const table: [PromptInput, number, number, string][] = [
    ["", 1, 2, ""],
    ["abc", 1, 5, "abc"],
    ["字", 1, 5, "字"],
    [["a", "字字"], 2, 1 + 6 + 4, "a\n字字"],
    [[1, 2, 3], 1, 5, "\n\n"],
    [[0], 1, 3, ""],
    [[[1, 2], [3]], 2, 3 + 4, "\n"],
  ];
  for (const [prompt, count, bound, text] of table) {
    test(`${JSON.stringify(prompt)} holds ${count}, at most ${bound} tokens`, () => {
      expect([countPrompts(prompt), boundPrompt(prompt), joinPromptText(prompt)]).toEqual([count, bound, text]);
    });
  }

  test("of text is bounded by its UTF-8 bytes and two marks for each, whatever it holds", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\ud800", "\udc00\ud800", "𝒳"));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 10 }), (prompts) => {
        expect(boundPrompt(prompts)).toBe(prompts.reduce((sum, one) => sum + bytes(one) + 2, 0));
        expect(countPrompts(prompts)).toBe(prompts.length);
        expect(boundPrompt(prompts[0] ?? "")).toBe(bytes(prompts[0] ?? "") + 2);
      }),
      { numRuns: 500 },
    );
  });

  test("of ids is bounded by how many there are", () => {
    const ids = fc.array(fc.nat({ max: 10_000_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(ids, fc.array(ids, { minLength: 1, maxLength: 10 }), (one, several) => {
        expect(boundPrompt(one)).toBe(one.length + 2);
        expect(countPrompts(one)).toBe(1);
        expect(boundPrompt(several)).toBe(several.flat().length + 2 * several.length);
        expect(countPrompts(several)).toBe(several.length);
      }),
    );
  });
});
