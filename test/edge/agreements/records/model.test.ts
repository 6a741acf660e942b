import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { computeCostMicros, ModelRecord, Price } from "#edge/agreements/records/model.ts";
import { modelOf } from "#test/support/fakes/models.ts";

describe("the price of a call", () => {
  const price = { promptMicrosPerMTok: 150_000, completionMicrosPerMTok: 600_000 };
  const table: [number, number, number][] = [
    [0, 0, 0],
    [1, 0, 1],
    [7, 0, 2],
    [1_000_000, 0, 150_000],
    [0, 1_000_000, 600_000],
    [20, 5, 6],
    [20, 6, 7],
  ];
  for (const [prompt, completion, micros] of table) {
    test(`${prompt} + ${completion} tokens cost ${micros} micro-units: rounded up, once`, () =>
      expect(computeCostMicros(price, prompt, completion)).toBe(micros));
  }

  test("cached tokens cost what is said of them, to the micro-unit, and as the rest where nothing is", () => {
    const cheap = { ...price, cachedMicrosPerMTok: 15_000 };
    expect(computeCostMicros(cheap, 1_000_000, 0, 1_000_000)).toBe(15_000);
    expect(computeCostMicros(cheap, 20, 5, 19)).toBe(4);
    expect(computeCostMicros(price, 20, 5, 19)).toBe(6);
    expect(computeCostMicros({ ...price, cachedMicrosPerMTok: 0 }, 20, 0, 20)).toBe(0);
    const dear = { promptMicrosPerMTok: 1_000_000_000, completionMicrosPerMTok: 1, cachedMicrosPerMTok: 999_999_999 };
    expect(computeCostMicros(dear, 9_007_200_000, 1, 9_007_200_000)).toBe(9_007_199_990_993);
    expect(Price.safeParse({ ...price, cachedMicrosPerMTok: price.promptMicrosPerMTok }).success).toBe(true);
    expect(Price.safeParse({ ...price, cachedMicrosPerMTok: price.promptMicrosPerMTok + 1 }).success).toBe(false);
  });

  test("nothing is free but a price of nothing", () => {
    expect(computeCostMicros({ promptMicrosPerMTok: 1, completionMicrosPerMTok: 0 }, 1, 0)).toBe(1);
    expect(
      computeCostMicros({ promptMicrosPerMTok: 0, completionMicrosPerMTok: 0 }, 1_000_000_000, 1_000_000_000),
    ).toBe(0);
  });

  test("is exact to the micro-unit, whatever prices the schema takes and whatever counts a record may hold", () => {
    const money = fc.oneof(
      fc.integer({ min: 0, max: 1_000_000_000 }),
      fc.constantFrom(0, 1, 999_999_999, 1_000_000_000),
      fc.maxSafeNat(),
    );
    const count = fc.oneof(
      fc.integer({ min: 0, max: 2_000_000 }),
      fc.integer({ min: 0, max: 1_000_000_000 }),
      fc.constantFrom(0, 1, 999_999_999, 1_000_000_000),
    );
    fc.assert(
      fc.property(money, money, count, count, (promptMicrosPerMTok, completionMicrosPerMTok, prompt, completion) => {
        const asked = Price.safeParse({ promptMicrosPerMTok, completionMicrosPerMTok });
        if (!asked.success) return;
        const exact =
          (BigInt(promptMicrosPerMTok) * BigInt(prompt) +
            BigInt(completionMicrosPerMTok) * BigInt(completion) +
            999_999n) /
          1_000_000n;
        const micros = computeCostMicros(asked.data, prompt, completion);
        expect(Number.isSafeInteger(micros), String(micros)).toBe(true);
        expect(BigInt(micros)).toBe(exact);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a price may be a thousand units a token and no more, so that any bill is a whole number", () => {
    const most = { promptMicrosPerMTok: 1_000_000_000, completionMicrosPerMTok: 1_000_000_000 };
    expect(Price.safeParse(most).success).toBe(true);
    for (const name of ["promptMicrosPerMTok", "completionMicrosPerMTok"])
      expect(Price.safeParse({ ...most, [name]: 1_000_000_001 }).success).toBe(false);
  });

  test("is exact where the sum has passed 2^53", () => {
    expect(computeCostMicros({ promptMicrosPerMTok: 999_999_999, completionMicrosPerMTok: 1 }, 9_007_200, 1)).toBe(
      9_007_199_991,
    );
    expect(
      computeCostMicros({ promptMicrosPerMTok: 1_000_000_000, completionMicrosPerMTok: 1 }, 9_007_200_000, 1),
    ).toBe(9_007_200_000_001);
  });

  for (const hostile of ["1e3", -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, null, undefined]) {
    test(`a price of ${String(hostile)} is refused`, () => {
      expect(Price.safeParse({ promptMicrosPerMTok: hostile, completionMicrosPerMTok: 1 }).success).toBe(false);
      expect(Price.safeParse({ promptMicrosPerMTok: 1, completionMicrosPerMTok: hostile }).success).toBe(false);
    });
  }
});

describe("a model's record", () => {
  test("is what its schema says, and nothing more", () => {
    expect(ModelRecord.safeParse(modelOf()).success).toBe(true);
    expect(ModelRecord.safeParse({ ...modelOf(), note: "x" }).success).toBe(false);
  });

  const bad: [string, Partial<ModelRecord>][] = [
    ["no endpoint", { endpoints: [] }],
    ["no context", { contextTokensMax: 0 }],
    ["half a token of context", { contextTokensMax: 1.5 }],
    ["no default completion", { completionTokensDefault: 0 }],
    ["no name", { id: "" }],
    ["an empty alias", { aliases: [""] }],
  ];
  const l4 = {
    poolTokens: 96_800,
    startSeconds: 0.05,
    secondsPerPromptToken: 2.1e-4,
    secondsPerPromptTokenSquared: 4e-9,
    secondsPerToken: 0.00425,
  };
  test("may give its coefficients by kind of node, each set complete", () => {
    expect(ModelRecord.safeParse(modelOf({ coefficients: { l4, "h100-sxm": l4 } })).success).toBe(true);
    for (const [name, value] of [
      ["poolTokens", 0],
      ["startSeconds", -1],
      ["secondsPerToken", "1e-3"],
      ["secondsPerPromptToken", Number.POSITIVE_INFINITY],
      ["more", 1],
      ["secondsPerPromptTokenSquared", undefined],
    ] as const) {
      expect(
        ModelRecord.safeParse({ ...modelOf(), coefficients: { l4: { ...l4, [name]: value } } }).success,
        name,
      ).toBe(false);
    }
    expect(ModelRecord.safeParse({ ...modelOf(), coefficients: { "L4 24GB": l4 } }).success).toBe(false);
  });

  for (const [name, over] of bad)
    test(`with ${name} is refused`, () => expect(ModelRecord.safeParse(modelOf(over)).success).toBe(false));
});
