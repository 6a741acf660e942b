import { profileHeader, readProfile, type TrafficProfile } from "../../agreements/records/traffic-profile.ts";
import type { Coefficients, ModelRecord } from "../../agreements/records/model.ts";
import type { NodeRecord } from "../../agreements/records/node.ts";
import { profilesMax, profileStaleMs, profileReportersMax } from "../../limits.ts";
import type { Call } from "../../protocol/openai/call.ts";
import { selectCoefficients, l4With7B } from "./coefficients.ts";
import {
  isComplexNext,
  classifyTier,
  noHistory,
  type CallShape,
  type CallHistory,
  type Classification,
} from "./complexity.ts";

/**
 * Classifies calls by what this isolate remembers of their orgs, with no I/O. A wrong memory costs placement, and with
 * it the tier's price, but never a limit.
 */
export interface TierClassifier {
  classify(org: string, call: CallShape & Pick<Call, "model">): Classification;
  /** Learns the org's traffic profile from the headers of a node's answer. */
  learn(from: { org: string; model: string; node: string }, headers: Pick<Headers, "get">, nowMs: number): void;
  readonly size: number;
}

interface ReportedProfile {
  node: string;
  profile: TrafficProfile;
  atMs: number;
}

/** Lives as long as the isolate, or until `entriesMax` others have been used later. */
interface OrgHistory extends CallHistory {
  reported: ReportedProfile[];
}

/**
 * Opens a classifier with no history. It remembers at most `entriesMax` pairs of org and model, some 300 bytes each per
 * node.
 */
export function openTierClassifier(
  models: readonly ModelRecord[],
  nodes: readonly NodeRecord[],
  entriesMax: number = profilesMax,
): TierClassifier {
  const coefficients = new Map<string, Coefficients>(
    models.map((model) => [model.id, selectCoefficients(model, nodes)]),
  );
  const histories = new Map<string, OrgHistory>();
  const remember = (key: string, history: OrgHistory): void => {
    histories.delete(key);
    histories.set(key, history);
    if (histories.size <= entriesMax) return;
    for (const oldest of histories.keys()) return void histories.delete(oldest);
  };
  return {
    classify(org, call) {
      const key = buildKey(org, call.model.id);
      const history = histories.get(key);
      const classification = classifyTier(call, history ?? noHistory, coefficients.get(call.model.id) ?? l4With7B);
      const wasComplex = isComplexNext(classification, history?.wasComplex ?? false);
      // Most orgs never come near a threshold, and need no entry.
      if (history || wasComplex)
        remember(key, { profile: history?.profile ?? null, reported: history?.reported ?? [], wasComplex });
      return classification;
    },
    learn({ org, model, node }, headers, nowMs) {
      const profile = readProfile(headers.get(profileHeader));
      if (!profile) return;
      const key = buildKey(org, model);
      const history = histories.get(key);
      const others = history?.reported.filter((one) => one.node !== node && nowMs - one.atMs < profileStaleMs) ?? [];
      const reported = [{ node, profile, atMs: nowMs }, ...others].slice(0, profileReportersMax);
      remember(key, {
        profile: mergeProfiles(reported.map((one) => one.profile)),
        reported,
        wasComplex: history?.wasComplex ?? false,
      });
    },
    get size() {
      return histories.size;
    },
  };
}

const buildKey = (org: string, model: string) => `${org} ${model}`;

/**
 * Nodes see different calls of an org, the shared ones its smaller ones, so the most demanding values win: the longest
 * output (open-ended if its reporter says so), the fewest cached tokens, the greatest ratio.
 */
function mergeProfiles(profiles: TrafficProfile[]): TrafficProfile | null {
  const [first, ...others] = profiles;
  if (!first) return null;
  return others.reduce((most, profile) => {
    const isLonger =
      profile.outputTokens > most.outputTokens || (profile.outputTokens === most.outputTokens && profile.isAtLeast);
    const { outputTokens, isAtLeast } = isLonger ? profile : most;
    return {
      outputTokens,
      isAtLeast,
      cachedTokens: Math.min(most.cachedTokens, profile.cachedTokens),
      promptRatio: Math.max(most.promptRatio, profile.promptRatio),
    };
  }, first);
}
