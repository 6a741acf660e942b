import { makeRandom } from "#infra/checks/bench/stats.ts";
import { makeFaults } from "./make-faults.ts";
import type { CallerPlan, CallPlan, OrgKind, OrgPlan, StormPlan, PlanOptions } from "./plan.ts";

/** How many of twenty callers belong to each kind of org. */
const shares: Readonly<Record<OrgKind, number>> = {
  minute: 4,
  standard: 2,
  professional: 3,
  tokens: 2,
  key: 2,
  again: 2,
  open: 5,
};
const kinds = [
  "minute",
  "standard",
  "professional",
  "tokens",
  "key",
  "again",
  "open",
] as const satisfies readonly OrgKind[];
const seats: readonly OrgKind[] = kinds.flatMap((kind) => Array<OrgKind>(shares[kind]).fill(kind));
/** Callers of one idempotency key. */
const againSize = 4;
/** How long it takes for all callers to arrive, per caller; a third of them come in three bursts. */
const rampMsEach = 1.5;
const rampMsMin = 800;
const callMs = 10_000;
/** A few callers are in a hurry: their deadline passes while they are served. */
const hurriedShare = 0.03;

/**
 * The storm of a seed. Each caller is drawn from a source of its own, so that fewer callers are the first of the same
 * ones.
 */
export function makePlan(options: PlanOptions): StormPlan {
  const { seed, store, without } = options;
  const edges = options.edges ?? (seed % 3 === 0 ? 1 : 2);
  const orgs = kinds.map((kind) => makeOrg(kind, options.callers));
  const callers = Array.from({ length: options.callers }, (_, index) => makeCaller(index, options, edges));
  const faults = makeFaults(seed, store, edges).filter(({ number }) => !without.includes(number));
  return { seed, store, without, edges, orgs, callers, faults };
}

/** Limits small enough for the storm to reach them. */
function makeOrg(kind: OrgKind, callers: number): OrgPlan {
  const free: OrgPlan = { kind, plan: "enterprise", limits: {}, narrowKey: null };
  switch (kind) {
    case "minute":
      return { ...free, limits: { requestsPerMinute: Math.max(3, Math.floor(callers / 25)) } };
    case "standard":
    case "professional":
      return { ...free, plan: kind };
    case "tokens":
      return { ...free, limits: { tokensPerMonth: Math.max(200, callers / 2) } };
    case "key":
      return { ...free, narrowKey: Math.max(2, Math.floor(callers / 100)) };
    case "again":
    case "open":
      return free;
  }
}

function makeCaller(index: number, { seed, callers }: PlanOptions, edges: 1 | 2): CallerPlan {
  const random = makeRandom(Math.imul(seed, 0x9e3779b1) ^ index);
  // The first number of a generator says too much about its seed.
  random();
  const org = kinds.indexOf(seats[index % seats.length] ?? "open");
  const kind = kinds[org] ?? "open";
  const rampMs = Math.max(rampMsMin, callers * rampMsEach);
  const isInBurst = random() < 1 / 3;
  const startMs = isInBurst ? (rampMs * (1 + Math.floor(random() * 3))) / 4 : random() * rampMs;
  const count = kind === "open" || kind === "professional" ? 2 : 1;
  const seat = Math.floor(index / seats.length);
  const calls = Array.from({ length: count }, () =>
    kind === "again" ? makeRepeatedCall(seed, Math.floor(seat / (againSize / 2))) : makeCall(random, index),
  );
  return {
    org,
    isNarrow: kind === "key" && index % 2 === 0,
    edge: edges === 2 && random() < 0.5 ? 1 : 0,
    startMs: Math.round(startMs),
    calls,
  };
}

function makeCall(random: () => number, index: number): CallPlan {
  const isStream = random() < 0.7;
  const length = random();
  // A few are long enough for checkpoints, which come every 256 tokens.
  const tokens = !isStream
    ? 1 + Math.floor(random() * 8)
    : length < 0.015
      ? 280 + Math.floor(random() * 120)
      : 3 + Math.floor(random() * 12);
  const mayLeave = isStream && random() < 0.3;
  return {
    isStream,
    endpoint: random() < 0.8 ? "chat" : "completions",
    model: random() < 0.8 ? "chat" : "text2sql",
    prompt: `Caller ${index} asks: ${"and then? ".repeat(Math.floor(random() * 8))}`,
    tokens,
    isToTheEnd: random() < 0.7,
    wantsUsage: isStream && random() < 0.5,
    leavesAfter: mayLeave ? 1 + Math.floor(random() * tokens) : null,
    again: null,
    timeoutMs: random() < hurriedShare ? 200 + Math.floor(random() * 600) : callMs,
  };
}

/** Whoever shares an idempotency key must send the same bytes. */
function makeRepeatedCall(seed: number, group: number): CallPlan {
  const random = makeRandom(Math.imul(seed, 0x85ebca6b) ^ group);
  random();
  return { ...makeCall(random, group), again: `storm-${seed}-${group}`, leavesAfter: null, timeoutMs: callMs };
}
