import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { billedUsage, Tally } from "#origin/calls/usage-meter.ts";
import type { Counts } from "#origin/calls/usage-text.ts";

const bounds = { tokensHeld: 1_000, completionTokensMax: 100, choicesPerPrompt: 1, echoChunks: 0 };
const said = (prompt: number | null, completion: number | null, cached: number | null = null): Counts => ({
  prompt,
  completion,
  cached,
});

describe("the bill", () => {
  test("stays within the hold, at or above the chunks with text, and whole, whatever the engine reports", () => {
    const count = fc.option(fc.oneof(fc.nat(200), fc.nat(Number.MAX_SAFE_INTEGER)), { nil: null });
    const word = fc.record({
      choice: fc.nat(8),
      prompt: count,
      completion: count,
      cached: count,
      isTotal: fc.boolean(),
      hasContent: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 40 }),
        fc.nat(300),
        fc.nat(2_000),
        (words, completionTokensMax, tokensHeld) => {
          const tally = new Tally({ ...bounds, completionTokensMax, tokensHeld });
          for (const { choice, isTotal, hasContent, ...counts } of words) {
            if (hasContent) tally.noteContent();
            if (isTotal) tally.noteTotal(counts);
            else tally.noteChoice(choice, counts);
          }
          const { promptTokens, cachedTokens, completionTokens } = tally.read();
          const chunks = words.filter(({ hasContent }) => hasContent).length;
          expect(completionTokens).toBeGreaterThanOrEqual(Math.min(chunks, completionTokensMax, tokensHeld));
          expect(completionTokens).toBeLessThanOrEqual(completionTokensMax);
          expect((promptTokens ?? 0) + completionTokens).toBeLessThanOrEqual(tokensHeld);
          expect(cachedTokens).toBeLessThanOrEqual(promptTokens ?? 0);
          for (const tokens of [promptTokens ?? 0, cachedTokens, completionTokens])
            expect(Number.isSafeInteger(tokens) && tokens >= 0).toBe(true);
        },
      ),
    );
  });

  test("sums choices, and the prompts of a list once each", () => {
    const tally = new Tally({ ...bounds, choicesPerPrompt: 2 });
    tally.noteChoice(0, said(5, 1));
    tally.noteChoice(1, said(5, 2));
    tally.noteChoice(2, said(7, 3));
    tally.noteChoice(0, said(5, 4));
    expect(tally.read()).toEqual({ promptTokens: 12, cachedTokens: 0, completionTokens: 9 });
  });

  test("takes the engine's last word, the whole call's over the choices'", () => {
    const tally = new Tally(bounds);
    tally.noteChoice(0, said(5, 9));
    tally.noteTotal(said(5, 10, 4));
    expect(tally.read()).toEqual({ promptTokens: 5, cachedTokens: 4, completionTokens: 10 });
  });

  test("does not bill text that was only echoed", () => {
    const tally = new Tally({ ...bounds, echoChunks: 1 });
    tally.noteContent();
    expect(tally.read().completionTokens).toBe(0);
    tally.noteContent();
    expect(tally.read().completionTokens).toBe(1);
  });

  test("does not know a prompt that nobody counted, and believes a tokenizer only then", () => {
    const tally = new Tally(bounds);
    expect(tally.read().promptTokens).toBeNull();
    expect(tally.isCompletionUnknown).toBe(true);
    tally.notePrompt(8);
    expect(tally.read().promptTokens).toBe(8);
    tally.noteChoice(0, said(9, 0));
    expect(tally.read().promptTokens).toBe(9);
    expect(tally.isCompletionUnknown).toBe(false);
  });

  test("says when the engine made more than is held", () => {
    const tally = new Tally({ ...bounds, completionTokensMax: 1 });
    tally.noteContent();
    expect(tally.isOverHold).toBe(false);
    tally.noteContent();
    expect(tally.isOverHold).toBe(true);
  });
});

test("the usage shown to the caller is the usage that is billed", () => {
  const tally = new Tally({ tokensHeld: 10, completionTokensMax: 4, choicesPerPrompt: 1, echoChunks: 0 });
  tally.noteTotal({ prompt: 500, completion: 500, cached: null });
  expect(billedUsage(tally)).toEqual({ prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 });
});
