import type { Heartbeat, NodeRecord } from "#edge/agreements/records/node.ts";
import type { NodeView } from "#edge/fleet/port.ts";

export const servedModel = "Qwen/Qwen2.5-7B-Instruct";

export function nodeOf(name: string, over: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id: `node_${name}`,
    url: `http://${name}.invalid`,
    tier: "shared",
    models: [servedModel],
    ...over,
  };
}

export function heartbeatOf(node: string, over: Partial<Heartbeat> = {}): Heartbeat {
  return {
    node,
    bootId: "boot-1",
    bootedAtMs: 1_000,
    sequence: 1,
    state: "ready",
    models: [servedModel],
    engine: { kind: "sim", version: "1", fingerprint: "f" },
    kvPoolTokens: 96_800,
    load: { running: 0, waiting: 0, kvUsed: 0, heldTokens: 0 },
    ...over,
  };
}

/** A ready node, heard a second ago, idle. */
export function viewOf(name: string, over: Partial<NodeView> = {}, record: Partial<NodeRecord> = {}): NodeView {
  return {
    record: nodeOf(name, record),
    state: "ready",
    heartbeatAgeMs: 1_000,
    load: { running: 0, waiting: 0, kvUsed: 0, heldTokens: 0 },
    loadAgeMs: 1_000,
    kvPoolTokens: 96_800,
    callMax: null,
    inFlight: 0,
    breaker: "closed",
    ...over,
  };
}
