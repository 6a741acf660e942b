import { isLater, type LoadReport, type NodeRecord } from "../../../agreements/records/node.ts";
import { breakerFailuresMax, breakerOpenMs, fleetReadMs, fleetWaitMsMax } from "../../../limits.ts";
import type { AttemptEnd, Fleet, NodeView } from "../../../routing/port.ts";
import type { FleetObject, HeardHeartbeat } from "./fleet-object.ts";
import { within } from "../../within.ts";

/** What this isolate knows of one node. Lifetime: the isolate's; size: one a configured node. */
interface NodeMemory {
  record: NodeRecord;
  heard: HeardHeartbeat | null;
  load: LoadReport | null;
  loadAtMs: number;
  inFlight: number;
  failures: number;
  openedAtMs: number | null;
  isProbing: boolean;
}

/**
 * The fleet as configured, kept fresh by the answers of the nodes themselves and, once a second at most, by the Fleet
 * object.
 */
export function durableObjectFleet(
  namespace: DurableObjectNamespace<FleetObject>,
  nodes: readonly NodeRecord[],
): Fleet {
  const memories = new Map<string, NodeMemory>(
    nodes.map((record) => [
      record.id,
      { record, heard: null, load: null, loadAtMs: 0, inFlight: 0, failures: 0, openedAtMs: null, isProbing: false },
    ]),
  );
  const object = () => namespace.get(namespace.idFromName("fleet"));
  const read = async () => {
    for (const report of await within<HeardHeartbeat[]>(fleetWaitMsMax, "fleet", object().heard()))
      learn(memories.get(report.heartbeat.node), report);
  };
  let readAtMs = 0;
  return {
    view: (nowMs) => Array.from(memories.values(), (memory) => makeView(memory, nowMs)),
    refresh(nowMs) {
      if (nowMs - readAtMs < fleetReadMs) return null;
      readAtMs = nowMs;
      return read();
    },
    begin(node, nowMs) {
      const memory = memories.get(node);
      if (!memory) return;
      memory.inFlight++;
      memory.isProbing ||= readBreaker(memory, nowMs) === "probing";
    },
    learn(node, end, load, nowMs) {
      const memory = memories.get(node);
      if (memory) recordAttempt(memory, end, load, nowMs);
    },
    end(node) {
      const memory = memories.get(node);
      if (memory) memory.inFlight = Math.max(0, memory.inFlight - 1);
    },
    async report(heartbeat, nowMs) {
      await within(fleetWaitMsMax, "fleet", object().report({ heartbeat, heardAtMs: nowMs }));
      learn(memories.get(heartbeat.node), { heartbeat, heardAtMs: nowMs });
    },
  };
}

function learn(memory: NodeMemory | undefined, report: HeardHeartbeat): void {
  if (!memory || (memory.heard && !isLater(report.heartbeat, memory.heard.heartbeat))) return;
  memory.heard = report;
  if (report.heardAtMs > memory.loadAtMs) {
    memory.load = report.heartbeat.load;
    memory.loadAtMs = report.heardAtMs;
  }
  // A node that has come to life since its breaker opened may be probed at once.
  const hasReturned =
    memory.openedAtMs !== null && report.heartbeat.state === "ready" && report.heardAtMs > memory.openedAtMs;
  if (hasReturned) memory.openedAtMs = report.heardAtMs - breakerOpenMs;
}

function recordAttempt(memory: NodeMemory, end: AttemptEnd, load: LoadReport | null, nowMs: number): void {
  memory.isProbing = false;
  if (load) {
    memory.load = load;
    memory.loadAtMs = nowMs;
  }
  if (end === "aborted") return;
  if (end === "draining") {
    if (memory.heard) memory.heard = { ...memory.heard, heartbeat: { ...memory.heard.heartbeat, state: "draining" } };
    return;
  }
  if (end === "answered") {
    memory.failures = 0;
    memory.openedAtMs = null;
    return;
  }
  memory.failures++;
  if (memory.failures >= breakerFailuresMax) memory.openedAtMs = nowMs;
}

/** Open for 30 s; then half open: one call at a time may try the node. */
function readBreaker(memory: NodeMemory, nowMs: number): NodeView["breaker"] {
  if (memory.openedAtMs === null) return "closed";
  if (nowMs - memory.openedAtMs < breakerOpenMs || memory.isProbing) return "open";
  return "probing";
}

function makeView(memory: NodeMemory, nowMs: number): NodeView {
  return {
    record: memory.record,
    state: memory.heard?.heartbeat.state ?? null,
    heartbeatAgeMs: memory.heard ? nowMs - memory.heard.heardAtMs : null,
    load: memory.load,
    loadAgeMs: nowMs - memory.loadAtMs,
    kvPoolTokens: memory.heard?.heartbeat.kvPoolTokens ?? null,
    inFlight: memory.inFlight,
    breaker: readBreaker(memory, nowMs),
  };
}
