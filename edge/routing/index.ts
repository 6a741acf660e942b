import type { Tier } from "../agreements/records/model.ts";
import type { NodeRecord } from "../agreements/records/node.ts";
import { heartbeatStaleMs, waitTargetMs } from "../limits.ts";
import type { Fleet, NodeView } from "../fleet/port.ts";
import type { OrgId } from "../agreements/tokens/ids.ts";
import type { Call } from "../protocol/openai/call.ts";
import { markModel } from "../protocol/openai/models.ts";
import { renameWithin } from "../protocol/wires/rename.ts";
import type { Visit } from "../visit.ts";
import { selectAble, type SizedCall } from "./call-bounds.ts";
import type { TierClassifier } from "./tier/classifier.ts";
import type { Classification } from "./tier/complexity.ts";

export { writeTierHeader, type Classification } from "./tier/complexity.ts";
export { openTierClassifier, type TierClassifier } from "./tier/classifier.ts";
export { Health, readHealth } from "./health.ts";

/** What a call needs: a model in a tier, so many GPU seconds, and the text by which calls share a prefix cache. */
export interface Wanted {
  model: string;
  tier: Tier;
  gpuSeconds: number;
  org: string;
  affinity: string;
}

/** Where a call goes: why, in which tier, and to which nodes, best first. */
export interface CallRoute {
  classification: Classification;
  tier: Tier;
  nodes: NodeRecord[];
}

/** What a call is routed by. */
export interface RoutingPorts {
  classifier: TierClassifier;
  fleet: Fleet;
}

/** Classifies a call, and finds its nodes (`rankNodes`). */
export function routeCall(visit: Visit, { classifier, fleet }: RoutingPorts, org: OrgId, call: Call): CallRoute {
  const classification = classifier.classify(org, call);
  const nodes = renameWithin(call.rename, () => rankNodes(visit, fleet, call, { org, ...classification }));
  return { classification, tier: classification.tier, nodes };
}

/**
 * The nodes for a call, best first, by what the fleet shows now. Where the view is older than a second it is refreshed
 * for the calls to come, beside this one. Throws 400, marked with the model, for a call that none of its nodes could
 * ever take.
 */
export function rankNodes(
  visit: Visit,
  fleet: Fleet,
  call: Pick<Call, "model" | "named" | "affinity"> & SizedCall,
  { org, tier, gpuSeconds }: Pick<Wanted, "org" | "tier" | "gpuSeconds">,
): NodeRecord[] {
  const refresh = fleet.refresh(visit.now());
  if (refresh) visit.afterwards(refresh);
  const wanted = { model: call.model.id, tier, gpuSeconds, org, affinity: call.affinity };
  const ofModel = fleet.view(visit.now()).filter(({ record }) => record.models.includes(wanted.model));
  const able = markModel(call.named, () => selectAble(ofModel, call));
  return rank(able, wanted, visit.chance).map(({ record }) => record);
}

const boundedLoad = 1.25;
/** Shared calls may use dedicated nodes that are below half load. */
const borrowBelow = 0.5;
const loadMemoryMs = 5_000;

/**
 * Orders the nodes for a call, best first: the tier's own (the favourite of its prefix unless that one is overloaded,
 * then by two random choices), then those of the other tier that may take spilled calls; nodes with a longer wait than
 * the target come last. Pure over the view. Empty when no node serves this model.
 */
export function rank(views: readonly NodeView[], wanted: Wanted, random: () => number): NodeView[] {
  const eligible = selectEligible(views.filter((view) => view.record.models.includes(wanted.model)));
  const own = eligible.filter((view) => view.record.tier === wanted.tier);
  const others = eligible.filter((view) => view.record.tier !== wanted.tier);
  const spill =
    wanted.tier === "complex"
      ? others
      : others.filter((view) => own.length === 0 || computeUsedShare(view) < borrowBelow);
  const isQuick = (view: NodeView) => estimateWaitMs(view, wanted.gpuSeconds) <= waitTargetMs;
  const isSlow = (view: NodeView) => !isQuick(view);
  return [own.filter(isQuick), spill.filter(isQuick), own.filter(isSlow), spill.filter(isSlow)].flatMap((views) =>
    order(views, wanted, random),
  );
}

/**
 * How long a call would wait in the queue, in ms, if the waiting calls take as much GPU as it does. Reports lose weight
 * with age.
 */
function estimateWaitMs({ load, loadAgeMs }: NodeView, gpuSeconds: number): number {
  return load ? load.waiting * computeFreshness(loadAgeMs) * gpuSeconds * 1_000 : 0;
}

/**
 * Nodes that are ready, fresh and not broken. When no heartbeat is fresh the reports mean nothing, so every node that
 * its breaker allows is eligible.
 */
function selectEligible(views: NodeView[]): NodeView[] {
  const whole = views.filter((view) => view.breaker !== "open");
  const isFresh = (view: NodeView) => view.heartbeatAgeMs !== null && view.heartbeatAgeMs < heartbeatStaleMs;
  const fresh = whole.filter(isFresh);
  if (fresh.length === 0) return whole;
  return whole.filter((view) => (isFresh(view) ? view.state === "ready" : view.heartbeatAgeMs === null));
}

function order(views: NodeView[], wanted: Wanted, random: () => number): NodeView[] {
  if (views.length < 2) return views;
  const loads = new Map(views.map((view) => [view, estimateLoad(view)]));
  const load = (view: NodeView) => loads.get(view) ?? 0;
  const mean = views.reduce((sum, view) => sum + load(view), 0) / views.length;
  const favourite = views.reduce((best, view) => (score(wanted, view) > score(wanted, best) ? view : best));
  const byLoad = views.toSorted((a, b) => load(a) - load(b));
  const first = load(favourite) <= boundedLoad * mean + 1 ? favourite : chooseOfTwo(views, load, random);
  return [first, ...byLoad.filter((view) => view !== first)];
}

function chooseOfTwo(views: NodeView[], load: (view: NodeView) => number, random: () => number): NodeView {
  const at = Math.floor(random() * views.length) % views.length;
  const step = 1 + (Math.floor(random() * (views.length - 1)) % (views.length - 1));
  const [one, other] = [views[at], views[(at + step) % views.length]];
  if (!one || !other) throw new RangeError("no node to choose from");
  return load(one) <= load(other) ? one : other;
}

/**
 * Sequences at work on the node: its last report, fading with age, plus what this isolate has sent it, with a steep
 * rise as its KV pool fills.
 */
function estimateLoad({ load, loadAgeMs, inFlight }: NodeView): number {
  if (!load) return inFlight;
  const weight = computeFreshness(loadAgeMs);
  const k = Math.min(load.kvUsed, 0.99);
  return (
    Math.max(inFlight, (load.running + load.waiting) * weight + inFlight * (1 - weight)) +
    ((0.15 * k) / (1 - k)) * weight
  );
}

function computeFreshness(loadAgeMs: number): number {
  return Math.exp(-loadAgeMs / loadMemoryMs);
}

function computeUsedShare({ load, kvPoolTokens }: NodeView): number {
  if (!load) return 0;
  return kvPoolTokens ? Math.max(load.kvUsed, load.heldTokens / kvPoolTokens) : load.kvUsed;
}

/**
 * Rendezvous hashing: each node's score for a prefix, so that a node that leaves moves only its own prefixes. FNV-1a,
 * 32 bits, mixed at the end.
 */
function score(wanted: Wanted, view: NodeView): number {
  const text = `${view.record.id}|${wanted.org}|${wanted.model}|${wanted.affinity}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
