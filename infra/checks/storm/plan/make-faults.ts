import { makeRandom } from "#infra/checks/bench/stats.ts";
import type { StormFaultKind, FaultPlan, Moment, Store } from "./plan.ts";

/**
 * The places at which things die: each is a step between a call's first byte and its line on the bill, and what a crash
 * there could lose.
 */
type Point = readonly [kind: StormFaultKind, moment: Moment, afterMs: number];

/**
 * The edge in the middle of: an admission; the first byte; a stream; the last byte, with the record on its way;
 * settling it; moving the bill to D1.
 */
const edgePoints: readonly Point[] = [
  ["kill-edge", "call", 1],
  ["kill-edge", "head", 0],
  ["kill-edge", "event", 0],
  ["kill-edge", "end", 0],
  ["kill-edge", "end", 90],
  ["kill-edge", "end", 1_050],
];
const nodePoints: readonly Point[] = [
  ["kill-agent", "head", 0],
  ["kill-agent", "event", 0],
  ["kill-agent", "end", 0],
  ["kill-engine", "call", 2],
  ["kill-engine", "event", 0],
  ["cut-origin", "head", 0],
  ["cut-origin", "event", 0],
  ["cut-usage", "end", 0],
];
const redisPoints: readonly Point[] = [
  ["kill-redis", "call", 1],
  ["kill-redis", "head", 0],
  ["kill-redis", "end", 90],
  ["cut-redis", "call", 1],
  ["cut-redis", "end", 90],
];

/**
 * Of this many seeds the first is calm, so that the audit also runs without faults; the others take the points in turn.
 */
const round = 20;

/** The points for a store, in the order in which seeds take them. */
export function listPoints(store: Store): readonly Point[] {
  return store === "upstash" ? [...redisPoints, ...edgePoints, ...nodePoints] : [...edgePoints, ...nodePoints];
}

/** Up to three faults of a seed: the point whose turn it is first, others by chance. */
export function makeFaults(seed: number, store: Store, edges: 1 | 2): FaultPlan[] {
  if (seed % round === 1) return [];
  const random = makeRandom(Math.imul(seed, 0xc2b2ae35));
  random();
  const points = listPoints(store);
  const first = Math.max(0, seed - Math.ceil(seed / round) - 1);
  const count = 1 + Math.floor(random() * 3);
  return Array.from({ length: count }, (_, index) => {
    const [kind, moment, afterMs] = points[
      index === 0 ? first % points.length : Math.floor(random() * points.length)
    ] ??
      edgePoints[0] ?? ["kill-edge", "call", 1];
    const hasEdge = kind === "kill-edge" || kind === "cut-redis";
    const target = (hasEdge ? edges === 2 : true) && random() < 0.4 ? 1 : 0;
    const share = 0.15 + 0.6 * random();
    const forMs = kind === "kill-edge" ? 0 : 200 + Math.floor(random() * 1_000);
    return { number: index + 1, kind, target, when: { moment, share, afterMs }, forMs };
  });
}
