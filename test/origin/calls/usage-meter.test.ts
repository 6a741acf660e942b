import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readBilledUsage, UsageMeter } from "#origin/calls/usage-meter.ts";
import type { Counts } from "#origin/calls/usage-text.ts";

const bounds = { tokensHeld: 1_000, completionTokensMax: 100, choicesPerPrompt: 1, echoChunks: 0 };
const counts = (prompt: number | null, completion: number | null, cached: number | null = null): Counts => ({
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
          const meter = new UsageMeter({ ...bounds, completionTokensMax, tokensHeld });
          for (const { choice, isTotal, hasContent, ...counts } of words) {
            if (hasContent) meter.noteContent();
            if (isTotal) meter.noteTotal(counts);
            else meter.noteChoice(choice, counts);
          }
          const { promptTokens, cachedTokens, completionTokens } = meter.read();
          const chunks = words.filter(({ hasContent }) => hasContent).length;
          expect(completionTokens).toBeGreaterThanOrEqual(Math.min(chunks, completionTokensMax, tokensHeld));
          expect(completionTokens).toBeLessThanOrEqual(completionTokensMax);
          expect(promptTokens ?? 0).toBeLessThanOrEqual(meter.promptTokensHeld + tokensHeld);
          expect(promptTokens ?? 0).toBeLessThanOrEqual(meter.promptTokensCounted ?? 0);
          expect(cachedTokens).toBeLessThanOrEqual(promptTokens ?? 0);
          for (const tokens of [promptTokens ?? 0, cachedTokens, completionTokens])
            expect(Number.isSafeInteger(tokens) && tokens >= 0).toBe(true);
        },
      ),
    );
  });

  test("where units are billed, the prompt is what they count as, whatever the engine says of tokens", () => {
    const meter = new UsageMeter({ ...bounds, completionTokensMax: 0, tokensHeld: 150, unitTokens: 50 });
    meter.noteTotal(counts(7, 0));
    expect(meter.read()).toEqual({ promptTokens: null, cachedTokens: 0, completionTokens: 0, units: 0 });
    meter.noteUnits(3);
    expect(meter.read()).toMatchObject({ promptTokens: 150, units: 3 });
    // More than was held: at most the hold again, as of any prompt.
    meter.noteUnits(9);
    expect(meter.read()).toMatchObject({ promptTokens: 300, units: 9 });
  });

  test("sums choices, and the prompts of a list once each", () => {
    const meter = new UsageMeter({ ...bounds, choicesPerPrompt: 2 });
    meter.noteChoice(0, counts(5, 1));
    meter.noteChoice(1, counts(5, 2));
    meter.noteChoice(2, counts(7, 3));
    meter.noteChoice(0, counts(5, 4));
    expect(meter.read()).toEqual({ promptTokens: 12, cachedTokens: 0, completionTokens: 9, units: 0 });
  });

  test("takes the engine's last word, the whole call's over the choices'", () => {
    const meter = new UsageMeter(bounds);
    meter.noteChoice(0, counts(5, 9));
    meter.noteTotal(counts(5, 10, 4));
    expect(meter.read()).toEqual({ promptTokens: 5, cachedTokens: 4, completionTokens: 10, units: 0 });
  });

  test("does not bill text that was only echoed", () => {
    const meter = new UsageMeter({ ...bounds, echoChunks: 1 });
    meter.noteContent();
    expect(meter.read().completionTokens).toBe(0);
    meter.noteContent();
    expect(meter.read().completionTokens).toBe(1);
  });

  test("does not know a prompt that nobody counted, and believes a tokenizer only then", () => {
    const meter = new UsageMeter(bounds);
    expect(meter.read().promptTokens).toBeNull();
    expect(meter.isCompletionUnknown).toBe(true);
    meter.notePrompt(8);
    expect(meter.read().promptTokens).toBe(8);
    meter.noteChoice(0, counts(9, 0));
    expect(meter.read().promptTokens).toBe(9);
    expect(meter.isCompletionUnknown).toBe(false);
  });

  test("knows how much of it is reasoning: all up to the last piece of that, and no more than is billed", () => {
    const meter = new UsageMeter(bounds);
    expect(meter.reasoningTokens).toBe(0);
    meter.noteChoice(0, counts(3, 2));
    meter.noteReasoning();
    meter.noteChoice(0, counts(3, 4));
    expect(meter.reasoningTokens).toBe(2);
    const least = new UsageMeter({ ...bounds, completionTokensMax: 1 });
    least.noteChoice(0, counts(3, 9));
    least.noteReasoning();
    expect(least.reasoningTokens).toBe(1);
  });

  test("says when the engine made more than is held", () => {
    const meter = new UsageMeter({ ...bounds, completionTokensMax: 1 });
    meter.noteContent();
    expect(meter.isOverHold).toBe(false);
    meter.noteContent();
    expect(meter.isOverHold).toBe(true);
  });
});

test("the usage shown to the caller is the usage that is billed", () => {
  const meter = new UsageMeter({ tokensHeld: 10, completionTokensMax: 4, choicesPerPrompt: 1, echoChunks: 0 });
  meter.noteTotal({ prompt: 500, completion: 500, cached: null });
  // Of a prompt that was longer than its bound the whole hold again, of completions what was held.
  expect(readBilledUsage(meter)).toEqual({ prompt_tokens: 16, completion_tokens: 4, total_tokens: 20 });
  expect([meter.promptTokensHeld, meter.promptTokensCounted]).toEqual([6, 500]);
});
