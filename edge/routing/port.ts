import type { Heartbeat, LoadReport, NodeRecord, NodeState } from "../agreements/records/node.ts";

/** One node as this isolate sees it now. */
export interface NodeView {
  record: NodeRecord;
  /** `null` until a heartbeat came. */
  state: NodeState | null;
  heartbeatAgeMs: number | null;
  load: LoadReport | null;
  loadAgeMs: number;
  kvPoolTokens: number | null;
  /** Calls that this isolate has on the node. */
  inFlight: number;
  /** Three failures in a row open it for 30 s; then one call probes. */
  breaker: "closed" | "open" | "probing";
}

/**
 * How an attempt on a node ended, for its breaker: a node that answers, even with a no, is not broken; one that we left
 * is not judged.
 */
export type AttemptEnd = "answered" | "failed" | "draining" | "left";

/**
 * What is known of the nodes. Reading costs no I/O on the call's way: the view lives in the isolate and is refreshed
 * behind it. When heartbeats cannot be read, the view grows stale and ranking fails open to what calls themselves show.
 */
export interface Fleet {
  view(nowMs: number): NodeView[];
  /** Refreshes the view if it is older than a second, else null; to be run beside the call, never before it. */
  refresh(nowMs: number): Promise<void> | null;
  /** An attempt goes out to a node; `saw` follows with what its headers told, and `ended` when the answer is over. */
  began(node: string, nowMs: number): void;
  saw(node: string, end: AttemptEnd, load: LoadReport | null, nowMs: number): void;
  ended(node: string): void;
  /** Takes a heartbeat whose signature has been verified. */
  report(heartbeat: Heartbeat, nowMs: number): Promise<void>;
}
