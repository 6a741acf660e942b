import type { NodeRecord } from "../agreements/records/node.ts";
import { fleetReadMs } from "../limits.ts";
import type { AttemptObserver, Fleet, HeardHeartbeat } from "./port.ts";
import { createMemory, learnAttempt, learnBegin, learnHeartbeat, makeView } from "./view.ts";

/**
 * The nodes as configured, with what this edge knows of each: an adapter adds where heartbeats are kept. What is said
 * of any other node is ignored.
 */
export interface Directory extends AttemptObserver, Pick<Fleet, "view"> {
  /** Learns a heartbeat, unless a later one of that node is known. */
  hear(report: HeardHeartbeat): void;
  /** Tells whether the kept heartbeats are to be read now: once a second, by whoever asks first. */
  claimRead(nowMs: number): boolean;
}

/** Opens a directory in which nothing has been heard. It lives as long as the isolate: one memory for each node. */
export function openDirectory(nodes: readonly NodeRecord[]): Directory {
  const memories = new Map(nodes.map((record) => [record.id, createMemory(record)]));
  let readAtMs = 0;
  return {
    view: (nowMs) => Array.from(memories.values(), (memory) => makeView(memory, nowMs)),
    begin(node, nowMs) {
      const memory = memories.get(node);
      if (memory) learnBegin(memory, nowMs);
    },
    learn(node, end, load, nowMs) {
      const memory = memories.get(node);
      if (memory) learnAttempt(memory, end, load, nowMs);
    },
    end(node) {
      const memory = memories.get(node);
      if (memory) memory.inFlight = Math.max(0, memory.inFlight - 1);
    },
    hear(report) {
      const memory = memories.get(report.heartbeat.node);
      if (memory) learnHeartbeat(memory, report);
    },
    claimRead(nowMs) {
      if (nowMs - readAtMs < fleetReadMs) return false;
      readAtMs = nowMs;
      return true;
    },
  };
}
