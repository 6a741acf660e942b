import { isLater, type LoadReport, type NodeRecord } from "../agreements/records/node.ts";
import { allowProbe, beginAttempt, closedBreaker, endAttempt, readBreaker, type Breaker } from "./breaker.ts";
import type { AttemptEnd, HeardHeartbeat, NodeView } from "./port.ts";

/** What an edge knows of one node. */
export interface NodeMemory {
  readonly record: NodeRecord;
  heard: HeardHeartbeat | null;
  load: LoadReport | null;
  loadAtMs: number;
  inFlight: number;
  breaker: Breaker;
}

/** A configured node of which nothing has been heard: idle, and trusted. */
export function createMemory(record: NodeRecord): NodeMemory {
  return { record, heard: null, load: null, loadAtMs: 0, inFlight: 0, breaker: closedBreaker };
}

/** Learns a heartbeat, unless a later one is known. Its load counts unless an answer has told a newer one. */
export function learnHeartbeat(memory: NodeMemory, report: HeardHeartbeat): void {
  if (memory.heard && !isLater(report.heartbeat, memory.heard.heartbeat)) return;
  memory.heard = report;
  if (report.heardAtMs > memory.loadAtMs) {
    memory.load = report.heartbeat.load;
    memory.loadAtMs = report.heardAtMs;
  }
  if (report.heartbeat.state === "ready") memory.breaker = allowProbe(memory.breaker, report.heardAtMs);
}

/** Counts a call that begins on the node. */
export function learnBegin(memory: NodeMemory, nowMs: number): void {
  memory.inFlight++;
  memory.breaker = beginAttempt(memory.breaker, nowMs);
}

/** Learns what an attempt has shown: the node's load, that it drains, and what counts for its breaker. */
export function learnAttempt(memory: NodeMemory, end: AttemptEnd, load: LoadReport | null, nowMs: number): void {
  memory.breaker = endAttempt(memory.breaker, end, nowMs);
  if (load) {
    memory.load = load;
    memory.loadAtMs = nowMs;
  }
  const { heard } = memory;
  if (end === "draining" && heard) memory.heard = { ...heard, heartbeat: { ...heard.heartbeat, state: "draining" } };
}

/** The node as it is seen now: ages are counted by our clock, not by the node's. */
export function makeView(memory: NodeMemory, nowMs: number): NodeView {
  const { record, heard, load } = memory;
  return {
    record,
    state: heard?.heartbeat.state ?? null,
    heartbeatAgeMs: heard ? nowMs - heard.heardAtMs : null,
    load,
    loadAgeMs: nowMs - memory.loadAtMs,
    kvPoolTokens: heard?.heartbeat.kvPoolTokens ?? null,
    callMax: heard?.heartbeat.callMax ?? null,
    inFlight: memory.inFlight,
    breaker: readBreaker(memory.breaker, nowMs),
  };
}
