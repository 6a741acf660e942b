import { computeCrc32 } from "../crc32.ts";
import { generateBase62, type OrgId } from "./ids.ts";

/** What an operator may wish for a new org: an object of its own, or one that it shares with others. */
export const placementKinds = ["own", "shards"] as const;
/** One of them. */
export type PlacementKind = (typeof placementKinds)[number];

/** Where an object is first started: a location hint of the platform's, or near whoever calls it first (`null`). */
type Region = "wnam" | "enam" | "sam" | "weur" | "eeur" | "apac" | "oc" | "afr" | "me" | null;

/**
 * A generation of shards. Its count and its hash (CRC-32 of the org's id, modulo the count) never change, or orgs would
 * be looked for where they are not.
 */
interface Generation {
  count: number;
  region: Region;
}

/**
 * Which generation of shards the first character of an org's reference stands for. All other characters, and orgs older
 * than this table, mean an object of the org's own. A generation with more shards, or in another region, is a row more;
 * no row is ever changed or taken away (docs/decisions/0016).
 */
const generations: ReadonlyMap<string, Generation> = new Map([["1", { count: 64, region: null }]]);

/** The characters that new orgs begin with. */
const newest: Record<PlacementKind, string> = { own: "0", shards: "1" };

/** A ledger's object: by what name it is found, and where it is started. */
export interface Location {
  name: string;
  region: Region;
}

const referenceAt = "org_".length;
const encoder = new TextEncoder();

/** Mints an org's id, whose first character says which object keeps its ledger. */
export function mintOrgId(kind: PlacementKind, random: (bytes: number) => Uint8Array): OrgId {
  return `org_${newest[kind]}${generateBase62(9, random)}`;
}

/** How an org was placed when it was made. */
export function findPlacement(org: OrgId): PlacementKind {
  return generations.has(org.charAt(referenceAt)) ? "shards" : "own";
}

/** The object that keeps an org's ledger, unless it was moved: known without a look-up, the same for ever. */
export function locateLedger(org: OrgId): Location {
  const character = org.charAt(referenceAt);
  const generation = generations.get(character);
  if (!generation) return locateOwn(org);
  const shard = computeCrc32(encoder.encode(org)) % generation.count;
  return { name: `shard-${character}-${shard}`, region: generation.region };
}

/** The object of an org's own: it bears the org's name. */
export function locateOwn(org: OrgId): Location {
  return { name: org, region: null };
}
