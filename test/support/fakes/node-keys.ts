import { digestBody } from "#edge/agreements/digest.ts";
import {
  deriveNodeKeys,
  openNodeKeyFinder,
  openNodeKeys,
  type FindNodeKeys,
  type NodeKeys,
} from "#edge/agreements/tokens/node-keys.ts";
import { makeNodeToken } from "#edge/agreements/tokens/node-token.ts";
import { secretOf } from "#test/support/fakes/keyring.ts";

/** The edge's masters in tests: `n1` alone, unless told. */
export const masterKeys = { n1: secretOf(11) };

/** The keys of a node, as its agent has them. */
export function nodeKeysOf(node: string, masters: Record<string, string> = masterKeys): NodeKeys {
  return openNodeKeys(deriveNodeKeys(masters, node));
}

/** What the edge has, with these nodes configured. */
export function findKeysOf(...nodes: string[]): FindNodeKeys {
  return openNodeKeyFinder(masterKeys, nodes);
}

/** The header of a node's post: for this body, under the keys of this node. */
export function authorizeNode(node: string, body: string, issuedAtMs: number, keys = nodeKeysOf(node)): string {
  return `Bearer ${makeNodeToken({ node, issuedAtMs, bodySha256: digestBody(body) }, keys.node)}`;
}
