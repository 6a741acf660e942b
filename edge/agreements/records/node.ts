import { z } from "zod";
import { NodeId } from "../tokens/ids.ts";
import { NodeKind, Tier } from "./model.ts";

/** A node as the edge is configured to know it. The keys that both share are derived (tokens/node-keys.ts). */
export const NodeRecord = z.strictObject({
  id: NodeId.describe("Its name: `node_` and up to 40 of `a-z`, `0-9`, `-`."),
  url: z.url().describe("Where the edge reaches its agent: the tunnel's hostname."),
  tier: Tier.describe("`shared` for standard calls, `complex` for those that would stall their neighbours."),
  models: z.array(z.string()).min(1).describe("What it serves: ids or aliases of models."),
  kind: NodeKind.optional().describe("Selects the coefficients of its models; `l4` unless said."),
});
export type NodeRecord = z.infer<typeof NodeRecord>;

/**
 * How loaded a node's engines are: sequences running and waiting, share of the KV pool in use (0 to 1), tokens that
 * the calls in flight may come to have in the pool.
 */
export const LoadReport = z.strictObject({
  running: z.int().min(0),
  waiting: z.int().min(0),
  kvUsed: z.number().min(0).max(1),
  heldTokens: z.int().min(0),
});
export type LoadReport = z.infer<typeof LoadReport>;

/**
 * The largest call that a node takes from an org when nobody else is there: sequences, and tokens at once. Without
 * `tokens` there is no such bound: a call never counts more than the engine's pool.
 */
export const CallMax = z.strictObject({ sequences: z.int().min(1), tokens: z.int().min(1).optional() });
export type CallMax = z.infer<typeof CallMax>;

/** On a refusal of an agent: the org has its share of the engine. Others still find room. */
export const orgShareHeader = "x-penstock-org-share";

/** The header on every answer of an agent: `run=3 wait=0 kv=0.41 held=18230`. */
export const loadHeader = "x-penstock-load";

/** Writes the load header. */
export function writeLoad(load: LoadReport): string {
  return `run=${load.running} wait=${load.waiting} kv=${load.kvUsed.toFixed(3)} held=${load.heldTokens}`;
}

/** Reads the load header; anything that is not exactly such a report is `null`, never a guess. */
export function readLoad(text: string | null): LoadReport | null {
  const match = text?.match(/^run=(\d{1,9}) wait=(\d{1,9}) kv=(\d(?:\.\d{1,9})?) held=(\d{1,12})$/);
  if (!match) return null;
  const [, running, waiting, kvUsed, heldTokens] = match.map(Number);
  const load = LoadReport.safeParse({ running, waiting, kvUsed, heldTokens });
  return load.success ? load.data : null;
}

/** The states that an agent reports for its node. */
export const NodeState = z.enum(["starting", "warming", "ready", "draining", "unhealthy", "sleeping"]);
export type NodeState = z.infer<typeof NodeState>;

/** Sent by the agent every 5 s, signed. A report from before the last boot, or out of order within one, is ignored. */
export const Heartbeat = z.strictObject({
  node: NodeId,
  bootId: z.string().min(1).max(64),
  bootedAtMs: z.int(),
  sequence: z.int().min(0),
  state: NodeState,
  models: z.array(z.string()),
  engine: z.strictObject({ kind: z.string(), version: z.string(), fingerprint: z.string() }),
  kvPoolTokens: z.int().min(0),
  load: LoadReport,
  /** Absent from agents of before 2026-11-29: such a node is taken to serve any call. */
  callMax: CallMax.optional(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

/**
 * Tells whether a heartbeat was sent after another one of the same node: by sequence within a boot, by boot time across
 * boots.
 */
export function isLater(heartbeat: Heartbeat, other: Heartbeat): boolean {
  return heartbeat.bootId === other.bootId
    ? heartbeat.sequence > other.sequence
    : heartbeat.bootedAtMs >= other.bootedAtMs;
}
