import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judge, tierHeader } from "#edge/routing/complexity.ts";

const call = (promptTokensGuess: number, completionTokens: number, choices = 1, hasImages = false) => ({ promptTokensGuess, completionTokens, choices, hasImages });

describe("the verdict", () => {
  const table: [string, ReturnType<typeof call>, string][] = [
    ["a greeting", call(30, 256), "standard"],
    ["the default length after a short prompt", call(100, 2_048), "standard"],
    ["3,300 tokens of prompt", call(3_300, 16), "standard"],
    ["three choices", call(100, 200, 3), "standard"],
    ["4,839 tokens of KV", call(2_839, 2_000), "standard"],
    ["4,840 tokens of KV: 5 % of the pool", call(2_840, 2_000), "kv"],
    ["16 choices' worth of KV", call(10, 700, 7), "kv"],
    ["a prompt of 3,400 tokens: three quarters of a second of prefill", call(3_400, 16), "prefill"],
    ["four choices", call(10, 10, 4), "choices"],
    ["20 s of GPU", call(100, 4_700), "gpu"],
    ["an image, however small", call(1, 1, 1, true), "images"],
    ["an embedding", call(500, 0, 0), "standard"],
    ["16 k of context", call(16_000, 100), "kv"],
  ];
  for (const [name, asked, why] of table) {
    test(`${name}: ${why}`, () => {
      const verdict = judge(asked);
      expect([verdict.why, verdict.tier]).toEqual([why, why === "standard" ? "shared" : "complex"]);
    });
  }

  test("asking for more never makes a complex call a shared one", () => {
    const size = fc.nat({ max: 20_000 });
    fc.assert(
      fc.property(size, size, fc.nat({ max: 8 }), size, size, fc.nat({ max: 3 }), (prompt, completion, choices, more, longer, further) => {
        const [less, greater] = [judge(call(prompt, completion, choices)), judge(call(prompt + more, completion + longer, choices + further))];
        if (less.tier === "complex") expect(greater.tier).toBe("complex");
        expect(greater.kvTokens).toBeGreaterThanOrEqual(less.kvTokens);
        expect(greater.gpuSeconds).toBeGreaterThanOrEqual(less.gpuSeconds);
        expect(Number.isFinite(less.gpuSeconds)).toBe(true);
      }),
    );
  });
});

test("the header tells the tier, its terms, and a spill when there was one", () => {
  const verdict = { tier: "complex", kvTokens: 9_210, gpuSeconds: 4.06, why: "kv" } as const;
  expect(tierHeader(verdict, "complex")).toBe("complex; kv=9210 gpu_s=4.1 why=kv");
  expect(tierHeader(verdict, "shared")).toBe("complex; kv=9210 gpu_s=4.1 why=kv spill=shared");
});
