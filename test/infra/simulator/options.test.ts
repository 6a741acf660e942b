import { expect, test } from "vitest";
import { l4Profile, resolveOptions } from "#infra/simulator/options.ts";

test("without options it is an L4 with two models", () => {
  const { profile, models } = resolveOptions({});
  expect(profile).toEqual(l4Profile);
  expect(profile.blocks * 16).toBe(96_800);
  expect(models.map(({ names, output: speech }) => [names[1], speech])).toEqual([
    ["chat", "prose"],
    ["text2sql", "sql"],
  ]);
});

test("a given step time scales the other times, unless they are given too", () => {
  expect(resolveOptions({ profile: { stepMs: 5.1 } }).profile.prefillMsPerToken).toBeCloseTo(0.021);
  expect(resolveOptions({ profile: { stepMs: 0 } }).profile).toMatchObject({
    stepMs: 0,
    prefillMsPerToken: 0,
    kvMsPerToken: 0,
  });
  expect(resolveOptions({ profile: { stepMs: 0, prefillMsPerToken: 3 } }).profile.prefillMsPerToken).toBe(3);
});

test("a model's own context is held, and a pool that nobody sized holds the longest", () => {
  const models = [{ names: ["a"] as const, contextTokens: 131_072 }, { names: ["b"] as const }];
  const settings = resolveOptions({ models });
  expect(settings.models.map(({ contextTokens }) => contextTokens)).toEqual([131_072, 8_192]);
  expect(settings.profile.blocks * 16).toBeGreaterThan(131_072);
  expect(resolveOptions({ models, profile: { blocks: 11 } }).models[0]?.contextTokens).toBe(160);
});

test("the context never exceeds the pool", () => {
  expect(resolveOptions({ profile: { blocks: 11 } }).profile.contextTokens).toBe(160);
  expect(() => resolveOptions({ profile: { blocks: 1 } })).toThrow("no context");
});
