import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readProfile, writeProfile } from "#edge/agreements/records/traffic-profile.ts";
import { openTrafficProfiles, type EndedCall, type TrafficProfiles } from "#origin/usage/traffic-profiles.ts";

const buildCall = (over: Partial<EndedCall> = {}): EndedCall => ({
  org: "org_a",
  model: "m",
  choices: 1,
  completionTokensMax: 4_000,
  promptTokensGuess: 100,
  promptTokens: 100,
  cachedTokens: 0,
  completionTokens: 20,
  outcome: "completed",
  boundFactor: 1,
  ...over,
});
const after = (...groups: [number, Partial<EndedCall>][]): TrafficProfiles => {
  const profiles = openTrafficProfiles();
  for (const [count, over] of groups) for (let at = 0; at < count; at++) profiles.note(buildCall(over));
  return profiles;
};
const readProfileAfter = (...groups: [number, Partial<EndedCall>][]) => after(...groups).read("org_a", "m");

describe("how long answers are", () => {
  test("is reported after sixteen calls, of this org and this model alone", () => {
    expect(readProfileAfter([15, {}])).toBeNull();
    const profiles = after(
      [16, {}],
      [40, { org: "org_b", completionTokens: 3_000 }],
      [40, { model: "n", completionTokens: 3_000 }],
    );
    expect(profiles.read("org_a", "m")).toEqual({
      outputTokens: 22,
      isAtLeast: false,
      cachedTokens: 0,
      promptRatio: 1,
    });
    expect(profiles.read("org_b", "n")).toBeNull();
  });

  test("is where nine of ten have ended, to a class of 19 %, never less", () => {
    for (const tokens of [1, 2, 3, 7, 8, 100, 1_000, 3_999]) {
      const expected = readProfileAfter([50, { completionTokens: tokens }])?.outputTokens ?? 0;
      expect(expected).toBeGreaterThanOrEqual(tokens);
      expect(expected).toBeLessThan(tokens * 1.19 + 1);
    }
    expect(readProfileAfter([95, { completionTokens: 20 }], [5, { completionTokens: 2_000 }])?.outputTokens).toBe(22);
    expect(readProfileAfter([60, { completionTokens: 20 }], [40, { completionTokens: 2_000 }])?.outputTokens).toBe(
      2_048,
    );
    expect(readProfileAfter([20, { completionTokens: 0 }])?.outputTokens).toBe(0);
  });

  test("is that of each choice, when a call has several", () => {
    expect(readProfileAfter([20, { choices: 4, completionTokens: 80 }])?.outputTokens).toBe(22);
  });

  const stopped: [string, Partial<EndedCall>][] = [
    ["by max_tokens", { completionTokens: 50, completionTokensMax: 50 }],
    ["by max_tokens in every choice", { choices: 3, completionTokens: 150, completionTokensMax: 50 }],
    ["by a caller who left", { completionTokens: 50, outcome: "cancelled" }],
    ["by an engine that died", { completionTokens: 50, outcome: "failed" }],
  ];
  for (const [name, over] of stopped) {
    test(`is not known from answers that were stopped ${name}: at least so long`, () => {
      expect(readProfileAfter([40, over])).toMatchObject({ outputTokens: 53, isAtLeast: true });
    });
  }

  test("is that of the calls that were let run, however many request a single token", () => {
    const one = { completionTokens: 1, completionTokensMax: 1 };
    expect(readProfileAfter([80, one], [20, { completionTokens: 900 }])).toMatchObject({
      outputTokens: 1_024,
      isAtLeast: false,
    });
    expect(readProfileAfter([97, one], [3, { completionTokens: 900 }])).toMatchObject({
      outputTokens: 1,
      isAtLeast: true,
    });
  });

  test("changes with the org: a hundred calls on, the old ways are mostly forgotten", () => {
    const profiles = after([500, { completionTokens: 3_000 }], [300, { completionTokens: 20 }]);
    expect(profiles.read("org_a", "m")?.outputTokens).toBe(22);
    for (let at = 0; at < 15; at++) profiles.note(buildCall({ completionTokens: 3_000 }));
    expect(profiles.read("org_a", "m")?.outputTokens).toBe(3_444);
  });

  test("is nothing for embeddings", () => {
    expect(readProfileAfter([20, { choices: 0, completionTokens: 0, completionTokensMax: 0 }])).toMatchObject({
      outputTokens: 0,
      isAtLeast: true,
      promptRatio: 1,
    });
  });
});

describe("what prompts are", () => {
  test("the ratio weighs each estimate by its size, and is never beyond a half or a double", () => {
    expect(readProfileAfter([20, { promptTokens: 130 }])?.promptRatio).toBeCloseTo(1.3, 9);
    expect(
      readProfileAfter(
        [50, { promptTokens: 10, promptTokensGuess: 10 }],
        [50, { promptTokens: 1_500, promptTokensGuess: 1_000 }],
      )?.promptRatio,
    ).toBeGreaterThan(1.49);
    expect(readProfileAfter([20, { promptTokens: 9 }])?.promptRatio).toBe(0.5);
    expect(readProfileAfter([20, { promptTokens: 900 }])?.promptRatio).toBe(2);
  });

  test("a prompt that was not estimated, or not counted, says nothing of the estimates", () => {
    expect(
      readProfileAfter(
        [20, { promptTokensGuess: undefined, promptTokens: 900 }],
        [20, { promptTokens: 0 }],
        [20, { promptTokensGuess: 0, promptTokens: 5 }],
      )?.promptRatio,
    ).toBe(1);
  });

  test("cached tokens are reported as the mean of the latest calls", () => {
    expect(readProfileAfter([40, { cachedTokens: 64 }])?.cachedTokens).toBe(64);
    expect(readProfileAfter([900, { cachedTokens: 64 }], [69, { cachedTokens: 0 }])?.cachedTokens).toBe(32);
  });
});

test("memory is bounded: the pair that was longest without a call is forgotten first", () => {
  const profiles = openTrafficProfiles(3);
  for (const org of ["a", "b", "c"]) for (let at = 0; at < 16; at++) profiles.note(buildCall({ org }));
  profiles.note(buildCall({ org: "a" }));
  profiles.note(buildCall({ org: "d" }));
  expect(profiles.size).toBe(3);
  expect(["a", "b", "c"].map((org) => profiles.read(org, "m") !== null)).toEqual([true, false, true]);
});

test("whatever calls end, the report can be written and read, and never says that answers end before any did", () => {
  const call = fc.record({
    choices: fc.integer({ min: 0, max: 16 }),
    completionTokensMax: fc.nat({ max: 1_000_000 }),
    promptTokensGuess: fc.option(fc.nat({ max: 5_000_000 }), { nil: undefined }),
    promptTokens: fc.nat({ max: 1_000_000_000 }),
    cachedTokens: fc.nat({ max: 500_000_000 }),
    completionTokens: fc.nat({ max: 16_000_000 }),
    outcome: fc.constantFrom("completed", "cancelled", "failed"),
  });
  fc.assert(
    fc.property(fc.array(call, { minLength: 16, maxLength: 60 }), (calls) => {
      const profiles = openTrafficProfiles();
      for (const one of calls) profiles.note(buildCall(one));
      const habit = profiles.read("org_a", "m");
      expect(habit).not.toBeNull();
      expect(readProfile(writeProfile(habit!))).toMatchObject({
        outputTokens: habit!.outputTokens,
        isAtLeast: habit!.isAtLeast,
        cachedTokens: habit!.cachedTokens,
      });
      const ends = calls.filter(
        ({ choices, outcome, completionTokens, completionTokensMax }) =>
          choices > 0 && outcome === "completed" && completionTokens < choices * completionTokensMax,
      );
      const shortest = Math.min(
        262_144,
        ...ends.map(({ completionTokens, choices }) => Math.floor(completionTokens / choices)),
      );
      if (!habit!.isAtLeast) expect(habit!.outputTokens).toBeGreaterThanOrEqual(shortest);
    }),
  );
});

test("the greatest factor that a bound needed counts from its first call on, for this org and this model alone", () => {
  const profiles = after([1, {}], [1, { boundFactor: 3 }], [20, { boundFactor: 2 }]);
  expect(profiles.readBoundFactor("org_a", "m")).toBe(3);
  expect([profiles.readBoundFactor("org_b", "m"), profiles.readBoundFactor("org_a", "n")]).toEqual([1, 1]);
});
