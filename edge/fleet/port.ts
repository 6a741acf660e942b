import type { CallMax, Heartbeat, LoadReport, NodeRecord, NodeState } from "../agreements/records/node.ts";

/** Whether calls may go to a node: it opens for 30 s after three failures in a row; then one call probes. */
export type BreakerState = "closed" | "open" | "probing";

/** One node as this isolate sees it now. */
export interface NodeView {
  record: NodeRecord;
  /** `null` until the first heartbeat. */
  state: NodeState | null;
  heartbeatAgeMs: number | null;
  load: LoadReport | null;
  loadAgeMs: number;
  kvPoolTokens: number | null;
  /** The largest call that it takes; `null` where it has not said. */
  callMax: CallMax | null;
  /** Calls that this isolate has on the node. */
  inFlight: number;
  breaker: BreakerState;
}

/** A heartbeat and when the edge heard it: ages are counted by our clock, not the node's. */
export interface HeardHeartbeat {
  heartbeat: Heartbeat;
  heardAtMs: number;
}

/**
 * How an attempt on a node ended, for its breaker: a node that answers, even with a refusal, is working; an aborted
 * attempt counts neither way.
 */
export type AttemptEnd = "answered" | "failed" | "draining" | "aborted";

/**
 * What is known about the nodes. Reading the view costs a call no I/O: it lives in the isolate and is refreshed in the
 * background. When heartbeats cannot be read the view goes stale, and ranking fails open to what the calls themselves
 * show.
 */
export interface Fleet {
  view(nowMs: number): NodeView[];
  /** Refreshes the view if it is older than a second, else returns null; run it beside the call, never before it. */
  refresh(nowMs: number): Promise<void> | null;
  /** An attempt starts on a node; `learn` follows with what its headers report, and `end` once the answer is over. */
  begin(node: string, nowMs: number): void;
  learn(node: string, end: AttemptEnd, load: LoadReport | null, nowMs: number): void;
  end(node: string): void;
  /** Stores a heartbeat whose signature has been verified. */
  report(heartbeat: Heartbeat, nowMs: number): Promise<void>;
}

/** The part of a fleet that learns how each attempt went, for breakers and load. */
export type AttemptObserver = Pick<Fleet, "begin" | "learn" | "end">;
