import { boundFactorHeader, readBoundFactor } from "../agreements/records/bound-factor.ts";
import { profilesMax, profileStaleMs } from "../limits.ts";

/** Whose calls, to which model. */
export interface BoundOwner {
  org: string;
  model: string;
}

/**
 * By how much the bounds of an org's prompts are multiplied before they are held: by what this isolate has read in the
 * headers of its nodes' answers. A wrong memory costs the org room in its limits while a call runs, and never money.
 */
export interface BoundFactors {
  /** From 1, as long as no engine has counted more than a bound, to `boundFactorMax`. */
  find(owner: BoundOwner): number;
  /** Learns from the headers of a node's answer; `nowMs` is Unix ms. */
  learn(owner: BoundOwner, headers: Pick<Headers, "get">, nowMs: number): void;
  readonly size: number;
}

interface ReportedFactor {
  factor: number;
  atMs: number;
}

/**
 * Opens a memory of at most `entriesMax` pairs of org and model; the one that was reported longest ago goes first. The
 * greatest factor counts, until no node has reported it for `profileStaleMs` while answers came.
 */
export function openBoundFactors(entriesMax: number = profilesMax): BoundFactors {
  const reported = new Map<string, ReportedFactor>();
  return {
    find: (owner) => reported.get(buildKey(owner))?.factor ?? 1,
    learn(owner, headers, nowMs) {
      const key = buildKey(owner);
      const known = reported.get(key);
      const factor = readBoundFactor(headers.get(boundFactorHeader));
      if (factor === null && !known) return;
      const isStale = known !== undefined && nowMs - known.atMs >= profileStaleMs;
      if (known && !isStale && (factor ?? 1) < known.factor) return;
      reported.delete(key);
      if (factor === null) return;
      reported.set(key, { factor, atMs: nowMs });
      if (reported.size <= entriesMax) return;
      for (const oldest of reported.keys()) return void reported.delete(oldest);
    },
    get size() {
      return reported.size;
    },
  };
}

const buildKey = ({ org, model }: BoundOwner) => `${org} ${model}`;
