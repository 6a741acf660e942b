import type { NodeRecord } from "../../agreements/records/node.ts";
import { openDirectory } from "../../fleet/directory.ts";
import type { Heartbeats } from "../../fleet/heartbeats.ts";
import type { Fleet } from "../../fleet/port.ts";

/** A fleet whose heartbeats are kept in this process; the edges that share them hear of the same nodes. */
export function memoryFleet(heartbeats: Heartbeats, nodes: readonly NodeRecord[]): Fleet {
  const { hear, claimRead, ...directory } = openDirectory(nodes);
  const read = async () => {
    for (const report of heartbeats.heard()) hear(report);
  };
  return {
    ...directory,
    refresh: (nowMs) => (claimRead(nowMs) ? read() : null),
    async report(heartbeat, nowMs) {
      const report = { heartbeat, heardAtMs: nowMs };
      heartbeats.report(report);
      hear(report);
    },
  };
}
