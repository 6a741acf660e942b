import type { NodeState } from "#edge/agreements/records/node.ts";
import type { EnginePool } from "../engines/pool.ts";

/** What a node's state depends on. */
export interface StateSources {
  pool: Pick<EnginePool, "all">;
  sender: { readonly isDurable: boolean };
  isDraining(): boolean;
}

/** Ready = some engine is, its records can be kept, and the node is not draining. */
export function readNodeState({ pool, sender, isDraining }: StateSources): NodeState {
  if (isDraining()) return "draining";
  const states = pool.all.map(({ monitor }) => monitor.state);
  if (states.includes("ready")) return sender.isDurable ? "ready" : "unhealthy";
  return states.includes("unhealthy") ? "unhealthy" : "starting";
}
