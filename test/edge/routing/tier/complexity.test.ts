import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TrafficProfile } from "#edge/agreements/records/traffic-profile.ts";
import { l4With7B } from "#edge/routing/tier/coefficients.ts";
import {
  isComplexNext,
  classifyTier,
  noHistory,
  writeTierHeader,
  type CallShape,
  type CallHistory,
  type Classification,
} from "#edge/routing/tier/complexity.ts";

const call = (promptTokensGuess: number, completionTokens: number, choices = 1, hasImages = false): CallShape => ({
  promptTokensGuess,
  completionTokens,
  choices,
  hasImages,
  isScored: false,
  compileSeconds: 0,
});
const knowing = (profile: Partial<TrafficProfile> = {}, wasComplex = false): CallHistory => ({
  profile: { outputTokens: 0, isAtLeast: true, cachedTokens: 0, promptRatio: 1, ...profile },
  wasComplex,
});
const judged = (asked: CallShape, known: CallHistory = noHistory) => classifyTier(asked, known, l4With7B);

describe("the classification without history", () => {
  const table: [string, CallShape, string][] = [
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
      const verdict = judged(asked);
      expect([verdict.why, verdict.tier, verdict.isStay]).toEqual([
        why,
        why === "standard" ? "shared" : "complex",
        false,
      ]);
    });
  }
});

test("scores are complex however short the prompt, and of its cache an engine reads nothing for them", () => {
  const cached = knowing({ cachedTokens: 900 });
  const scored = judged({ ...call(1_000, 1), isScored: true }, cached);
  expect([scored.why, scored.tier]).toEqual(["scores", "complex"]);
  expect(scored.gpuSeconds).toBe(judged(call(1_000, 1)).gpuSeconds);
  expect(scored.gpuSeconds).toBeGreaterThan(judged(call(1_000, 1), cached).gpuSeconds);
});

describe("what is known of an org", () => {
  test("its own outputs stand for a max_tokens that it never uses", () => {
    expect(judged(call(100, 6_000), knowing({ outputTokens: 210, isAtLeast: false }))).toMatchObject({
      tier: "shared",
      kvTokens: 310,
      why: "standard",
    });
    expect(judged(call(100, 6_000, 3), knowing({ outputTokens: 210, isAtLeast: false })).kvTokens).toBe(730);
  });

  test("but max_tokens is the most that is expected, and all of it when nobody knows where its outputs end", () => {
    expect(judged(call(100, 50), knowing({ outputTokens: 4_000, isAtLeast: false })).kvTokens).toBe(150);
    expect(judged(call(100, 6_000), knowing({ outputTokens: 210, isAtLeast: true }))).toMatchObject({
      tier: "complex",
      kvTokens: 6_100,
      why: "kv",
    });
  });

  test("what its prompts find cached takes no prefill, but KV all the same", () => {
    const [fresh, cached] = [judged(call(4_000, 16)), judged(call(4_000, 16), knowing({ cachedTokens: 3_000 }))];
    expect([fresh.why, cached.why, cached.kvTokens]).toEqual(["prefill", "standard", 4_016]);
    expect(fresh.gpuSeconds - cached.gpuSeconds).toBeCloseTo(3_000 * (0.000_21 + 4e-9 * 4_000), 9);
    expect(judged(call(100, 16), knowing({ cachedTokens: 3_000 })).gpuSeconds).toBeCloseTo(0.05 + 16 * 0.004_25, 9);
  });

  test("an estimate is taken for as much as the org's prompts have turned out to be", () => {
    expect(judged(call(3_000, 16)).tier).toBe("shared");
    expect(judged(call(3_000, 16), knowing({ promptRatio: 1.2 }))).toMatchObject({
      tier: "complex",
      kvTokens: 3_616,
      why: "prefill",
    });
    expect(judged(call(4_000, 16), knowing({ promptRatio: 0.8 })).tier).toBe("shared");
  });

  test("images and four choices are complex whatever is known", () => {
    const short = knowing({ outputTokens: 1, isAtLeast: false, cachedTokens: 1e6, promptRatio: 0.5 });
    expect([judged(call(1, 1, 1, true), short).why, judged(call(1, 1, 4), short).why]).toEqual(["images", "choices"]);
  });
});

test("other coefficients, other verdicts: each term is weighed against the node's own", () => {
  const small = { ...l4With7B, poolTokens: 10_000 };
  expect(classifyTier(call(100, 400), noHistory, small).why).toBe("kv");
  expect(classifyTier(call(100, 399), noHistory, small).why).toBe("standard");
  expect(classifyTier(call(1_000, 16), noHistory, { ...l4With7B, secondsPerPromptToken: 0.01 }).why).toBe("prefill");
  expect(classifyTier(call(1_000, 16), noHistory, { ...l4With7B, secondsPerToken: 2 }).why).toBe("gpu");
  expect(
    classifyTier(call(9_000, 900), noHistory, {
      poolTokens: 1_000_000,
      startSeconds: 0.01,
      secondsPerPromptToken: 1e-5,
      secondsPerPromptTokenSquared: 0,
      secondsPerToken: 1e-3,
    }).why,
  ).toBe("standard");
});

const size = fc.nat({ max: 20_000 });
const profile = fc.record({
  outputTokens: size,
  isAtLeast: fc.boolean(),
  cachedTokens: size,
  promptRatio: fc.double({ min: 0.5, max: 2, noNaN: true }),
});
const anyKnown: fc.Arbitrary<CallHistory> = fc.record({ profile: fc.option(profile), wasComplex: fc.boolean() });
const rate = (max: number) => fc.double({ min: 0, max, noNaN: true });
const anyNode = fc.record({
  poolTokens: fc.integer({ min: 1, max: 2_000_000 }),
  startSeconds: rate(1),
  secondsPerPromptToken: rate(0.01),
  secondsPerPromptTokenSquared: rate(1e-7),
  secondsPerToken: rate(0.1),
});

test("asking for more never makes a complex call a shared one, whatever is known and on whatever node", () => {
  fc.assert(
    fc.property(
      size,
      size,
      fc.nat({ max: 8 }),
      size,
      size,
      fc.nat({ max: 3 }),
      anyKnown,
      anyNode,
      (prompt, completion, choices, more, longer, further, known, node) => {
        const [less, greater] = [
          classifyTier(call(prompt, completion, choices), known, node),
          classifyTier(call(prompt + more, completion + longer, choices + further), known, node),
        ];
        if (less.tier === "complex") expect(greater.tier).toBe("complex");
        expect(greater.kvTokens).toBeGreaterThanOrEqual(less.kvTokens);
        expect(greater.gpuSeconds).toBeGreaterThanOrEqual(less.gpuSeconds);
        expect(Number.isFinite(less.gpuSeconds)).toBe(true);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("outputs that were learned never make a classification worse than max_tokens alone would", () => {
  fc.assert(
    fc.property(
      size,
      size,
      fc.nat({ max: 8 }),
      size,
      fc.boolean(),
      (prompt, completion, choices, outputTokens, isAtLeast) => {
        const learned = judged(call(prompt, completion, choices), knowing({ outputTokens, isAtLeast }));
        if (learned.tier === "complex") expect(judged(call(prompt, completion, choices)).tier).toBe("complex");
      },
    ),
  );
});

describe("hysteresis", () => {
  /** The verdicts on calls one after the other, each knowing what the one before it was. */
  const run = (calls: CallShape[], over: Partial<TrafficProfile> = {}) => {
    const verdicts: Classification[] = [];
    let wasComplex = false;
    for (const asked of calls) {
      const verdict = judged(asked, knowing(over, wasComplex));
      wasComplex = isComplexNext(verdict, wasComplex);
      verdicts.push(verdict);
    }
    return verdicts;
  };

  const table: [string, CallShape, CallShape, CallShape][] = [
    ["kv", call(2_000, 2_840), call(2_000, 2_114), call(2_000, 2_113)],
    ["prefill", call(3_400, 1), call(2_900, 1), call(2_700, 1)],
    ["gpu", call(10, 4_700), call(10, 4_000), call(10, 3_900)],
  ];
  for (const [name, over, within, below] of table) {
    test(`of ${name}: within 15 % of the threshold a call is as the one before it was`, () => {
      expect(run([within])).toMatchObject([{ tier: "shared", isStay: false }]);
      const [first, second, third, last] = run([over, within, below, within]);
      expect(first).toMatchObject({ tier: "complex", why: name, isStay: false });
      expect(second).toMatchObject({ tier: "complex", isStay: true });
      expect([third?.tier, last?.tier]).toEqual(["shared", "shared"]);
    });
  }

  test("an image or many choices neither begin a stay nor end one", () => {
    const within = call(100, 4_100);
    expect(run([call(1, 1, 1, true), within, call(1, 1, 4), within]).map(({ tier }) => tier)).toEqual([
      "complex",
      "shared",
      "complex",
      "shared",
    ]);
    expect(run([call(100, 4_800), call(1, 1, 1, true), within]).at(-1)).toMatchObject({
      tier: "complex",
      isStay: true,
    });
  });

  test("a caller whose calls all lie within the band changes tier once at most", () => {
    // 85 % of 4,840 KV tokens and upwards; prefill and GPU stay far below their own thresholds.
    const near = fc.array(fc.integer({ min: 4_114, max: 5_200 }), { maxLength: 50 });
    fc.assert(
      fc.property(near, (sizes) => {
        const tiers = run(sizes.map((kv) => call(2_000, kv - 2_000))).map(({ tier }) => tier);
        const changes = tiers.filter((tier, at) => at > 0 && tier !== tiers[at - 1]).length;
        expect(changes).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("never keeps a call complex whose terms are all 15 % below", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2_500 }),
        fc.integer({ min: 0, max: 1_600 }),
        fc.integer({ min: 0, max: 3 }),
        (prompt, completion, choices) => {
          const verdict = judged(
            call(prompt, Math.floor(completion / Math.max(1, choices)), choices),
            knowing({}, true),
          );
          expect(verdict).toMatchObject({ tier: "shared", why: "standard", isStay: false });
        },
      ),
    );
  });
});

test("the header reports the tier, its terms, that it stayed, and a spill when there was one", () => {
  const verdict: Classification = { tier: "complex", kvTokens: 9_210, gpuSeconds: 4.06, why: "kv", isStay: false };
  expect(writeTierHeader(verdict, "complex")).toBe("complex; kv=9210 gpu_s=4.1 why=kv");
  expect(writeTierHeader(verdict, "shared")).toBe("complex; kv=9210 gpu_s=4.1 why=kv spill=shared");
  expect(writeTierHeader({ ...verdict, isStay: true }, "shared")).toBe(
    "complex; kv=9210 gpu_s=4.1 why=kv after=complex spill=shared",
  );
});
