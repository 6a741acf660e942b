import { describe, expect, test } from "vitest";
import { selectCoefficients, l4With7B } from "#edge/routing/tier/coefficients.ts";
import { nodeOf } from "#test/support/fakes/fleet.ts";
import { modelOf } from "#test/support/fakes/models.ts";

const large = {
  poolTokens: 400_000,
  startSeconds: 0.02,
  secondsPerPromptToken: 0.000_05,
  secondsPerPromptTokenSquared: 1e-9,
  secondsPerToken: 0.001,
};
const odd = {
  poolTokens: 300_000,
  startSeconds: 0.03,
  secondsPerPromptToken: 0.000_01,
  secondsPerPromptTokenSquared: 2e-9,
  secondsPerToken: 0.000_5,
};
const model = modelOf({ coefficients: { h100: large, mi300: odd } });

describe("the coefficients of a model", () => {
  test("are those of a 7B model on an L4 when nobody says more", () => {
    expect(selectCoefficients(modelOf(), [nodeOf("a")])).toEqual(l4With7B);
    expect(selectCoefficients(modelOf(), [])).toEqual(l4With7B);
    expect(selectCoefficients(model, [nodeOf("a", { kind: "a10" })])).toEqual(l4With7B);
    expect(selectCoefficients(modelOf({ coefficients: { l4: odd } }), [nodeOf("a")])).toEqual(odd);
  });

  test("are those of its shared nodes, whose other callers are to be spared", () => {
    expect(
      selectCoefficients(model, [nodeOf("a", { kind: "h100" }), nodeOf("x", { tier: "complex", kind: "mi300" })]),
    ).toEqual(large);
  });

  test("are those of its dedicated nodes when there are no others", () => {
    expect(
      selectCoefficients(model, [nodeOf("x", { tier: "complex", kind: "mi300" }), nodeOf("b", { models: ["other"] })]),
    ).toEqual(odd);
  });

  test("are the worst, each by itself, when its nodes differ in kind", () => {
    const both = [nodeOf("a", { kind: "h100" }), nodeOf("b", { kind: "mi300" })];
    const worst = {
      poolTokens: 300_000,
      startSeconds: 0.03,
      secondsPerPromptToken: 0.000_05,
      secondsPerPromptTokenSquared: 2e-9,
      secondsPerToken: 0.001,
    };
    expect(selectCoefficients(model, both)).toEqual(worst);
    expect(selectCoefficients(model, both.toReversed())).toEqual(worst);
  });
});
