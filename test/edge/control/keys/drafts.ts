import { afterAll, beforeAll } from "vitest";
import type { Statement } from "#edge/control/http/store.ts";
import { insertKey, type KeyDraft } from "#edge/control/keys/insert-queries.ts";
import { KeyRow } from "#edge/control/keys/queries.ts";
import { openWorld, type World } from "#test/edge/control/http/world.ts";

/** Runs a statement on keys; null when it changed none. */
export const run = async (statement: Statement): Promise<KeyRow | null> =>
  KeyRow.nullable().parse(await statement.first());

/** A world of the control API for one file, and keys of its first org for tests of their queries. */
export function openDrafts() {
  const place = {} as { world: World };
  beforeAll(async () => void (place.world = await openWorld()));
  afterAll(() => place.world.close());

  let count = 0;
  const draft = (fields: Partial<KeyDraft> = {}): KeyDraft => ({
    id: `key_${place.world.a.org.slice(4)}${String(++count).padStart(6, "0")}`,
    org: place.world.a.org,
    kind: "inference",
    role: null,
    name: "x",
    hint: "sk-pen-…",
    digest: "d".repeat(64),
    pepperKid: "p1",
    endpoints: null,
    models: null,
    ipCidrs: null,
    limits: null,
    owner: null,
    project: null,
    expiresAtMs: null,
    createdAtMs: 1_000,
    ...fields,
  });
  const insert = async (fields: Partial<KeyDraft> = {}) => {
    const row = await run(insertKey(place.world.db, draft(fields)));
    if (!row) throw new RangeError("no room");
    return row;
  };
  return { place, draft, insert };
}
