import type { Coefficients, ModelRecord } from "../../agreements/records/model.ts";
import type { NodeRecord } from "../../agreements/records/node.ts";

/**
 * One L4 with a 7B model in bf16, as measured: a pool of 96,800 KV tokens, 0.21 ms per prompt token, 51 ms per decode
 * step of twelve sequences.
 */
export const l4With7B: Coefficients = {
  poolTokens: 96_800,
  startSeconds: 0.05,
  secondsPerPromptToken: 0.000_21,
  secondsPerPromptTokenSquared: 4e-9,
  secondsPerToken: 0.051 / 12,
};

const kindDefault = "l4";

/**
 * Selects the coefficients by which a model's calls are classified: those of the nodes whose neighbours a complex call
 * would disturb, the shared ones (all of its nodes when none is shared). Where they differ in kind, each coefficient is
 * the worst of them, since the tier is chosen before the node.
 */
export function selectCoefficients(model: ModelRecord, nodes: readonly NodeRecord[]): Coefficients {
  const serving = nodes.filter(({ models }) => models.includes(model.id));
  const shared = serving.filter(({ tier }) => tier === "shared");
  const kinds = new Set((shared.length > 0 ? shared : serving).map(({ kind }) => kind ?? kindDefault));
  const [first, ...others] = Array.from(
    kinds.size > 0 ? kinds : [kindDefault],
    (kind) => model.coefficients?.[kind] ?? l4With7B,
  );
  return others.reduce(takeWorse, first ?? l4With7B);
}

function takeWorse(one: Coefficients, other: Coefficients): Coefficients {
  return {
    poolTokens: Math.min(one.poolTokens, other.poolTokens),
    startSeconds: Math.max(one.startSeconds, other.startSeconds),
    secondsPerPromptToken: Math.max(one.secondsPerPromptToken, other.secondsPerPromptToken),
    secondsPerPromptTokenSquared: Math.max(one.secondsPerPromptTokenSquared, other.secondsPerPromptTokenSquared),
    secondsPerToken: Math.max(one.secondsPerToken, other.secondsPerToken),
  };
}
