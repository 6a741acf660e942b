import { Buffer } from "node:buffer";
import { hkdfSync } from "node:crypto";
import { z } from "zod";
import { HmacKey } from "../hmac.ts";
import type { NodeId } from "./ids.ts";
import { isSecret } from "./key-format.ts";
import { macKidForm, type MacKeys } from "./mac-token.ts";

/**
 * The keys that the edge and one node share: `hop` for what the edge sends there (hop.ts), `node` for what the node
 * sends back (node-token.ts). They are apart, so that a token of one direction is never one of the other.
 */
export interface NodeKeys {
  hop: MacKeys;
  node: MacKeys;
}

/** Finds the keys of a node; null for one that is not configured. */
export type FindNodeKeys = (node: NodeId) => NodeKeys | null;

const Kid = z
  .string()
  .regex(macKidForm, "has a kid that is not a small letter and at most 15 small letters, digits or hyphens more");
const isOneOrTwo = (kids: object): boolean => [1, 2].includes(Object.keys(kids).length);

/** What the keys of all nodes are derived from, by kid: one or two, the first makes what the edge sends. */
export const NodeMasterKeys = z
  .record(Kid, z.string().refine(isSecret, "must be base64url of at least 32 bytes"))
  .refine(isOneOrTwo, "must hold one or two secrets");
export type NodeMasterKeys = z.infer<typeof NodeMasterKeys>;

const Key = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be 32 bytes in base64url");

/** A node's keys as its agent's config has them, by kid: one or two, the first makes what the node sends. */
export const NodeKeyTexts = z
  .record(
    Kid,
    z.strictObject({
      hop: Key.describe("Verifies what the edge sends."),
      node: Key.describe("Signs what the node sends."),
    }),
  )
  .refine(isOneOrTwo, "must hold keys of one or two kids");
export type NodeKeyTexts = z.infer<typeof NodeKeyTexts>;

/** HKDF-SHA-256 (RFC 5869) without a salt: a master is random. */
const salt = new Uint8Array();
const keyBytes = 32;

/**
 * Derives a node's keys from the masters, in their order. What is derived names its purpose and the node: whoever
 * steals a node's keys can forge calls to that node and reports of it, and no other's.
 */
export function deriveNodeKeys(masterKeys: NodeMasterKeys, node: NodeId): NodeKeyTexts {
  const derive = (master: string) => ({ hop: deriveKey(master, "hop", node), node: deriveKey(master, "node", node) });
  return Object.fromEntries(Object.entries(masterKeys).map(([kid, master]) => [kid, derive(master)]));
}

/** Opens keys as objects that show nothing when printed. */
export function openNodeKeys(texts: NodeKeyTexts): NodeKeys {
  const open = (purpose: keyof NodeKeys) =>
    new Map(Object.entries(texts).map(([kid, keys]) => [kid, new HmacKey(Buffer.from(keys[purpose], "base64url"))]));
  return { hop: open("hop"), node: open("node") };
}

/** Opens the masters for these nodes. A node's keys are derived once, when they are first needed. */
export function openNodeKeyFinder(masterKeys: NodeMasterKeys, nodes: readonly NodeId[]): FindNodeKeys {
  const known = new Map<NodeId, NodeKeys | null>(nodes.map((node) => [node, null]));
  return (node) => {
    const kept = known.get(node);
    if (kept !== null) return kept ?? null;
    const keys = openNodeKeys(deriveNodeKeys(masterKeys, node));
    known.set(node, keys);
    return keys;
  };
}

function deriveKey(master: string, purpose: keyof NodeKeys, node: NodeId): string {
  const key = hkdfSync("sha256", Buffer.from(master, "base64url"), salt, `penstock/1/${purpose}/${node}`, keyBytes);
  return Buffer.from(key).toString("base64url");
}
