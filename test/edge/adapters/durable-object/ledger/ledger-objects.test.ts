import { expect, test } from "vitest";
import { LedgerObjects } from "#edge/adapters/durable-object/ledger/ledger-objects.ts";
import type { OrgLedger } from "#edge/adapters/durable-object/ledger/ledger-object.ts";
import { freshOrg } from "#test/contracts/ledger/ledger-fixtures.ts";
import { freshNeighbour } from "./ledger-world.ts";

/** A namespace whose stubs say how they were got. */
function openObjects() {
  let ids = 0;
  const namespace = {
    idFromName: (name: string) => (ids++, { name }),
    get: (id: { name: string }, options?: unknown) => ({ ...id, options }),
  } as unknown as DurableObjectNamespace<OrgLedger>;
  return { objects: new LedgerObjects(namespace), ids: () => ids };
}

test("an id is made once for each name; of many names the oldest are forgotten", () => {
  const { objects, ids } = openObjects();
  const name = (n: number) => ({ name: `shard-1-${n}`, region: null });
  for (let i = 0; i < 3; i++) objects.open(name(0));
  expect(ids()).toBe(1);
  for (let n = 1; n < 4_096; n++) objects.open(name(n));
  objects.open(name(0));
  expect(ids()).toBe(4_096);
  objects.open(name(4_096));
  objects.open(name(1));
  expect(ids()).toBe(4_097);
  objects.open(name(0));
  expect(ids()).toBe(4_098);
});

test("an object is near its first caller, unless its generation of shards has a region", () => {
  const { objects } = openObjects();
  expect(objects.open({ name: "a", region: null })).toEqual({ name: "a", options: undefined });
  expect(objects.open({ name: "a", region: "weur" })).toEqual({ name: "a", options: { locationHint: "weur" } });
});

test("an org that has moved is remembered; of ten thousand and one the first is asked for in its shard again", () => {
  const { objects } = openObjects();
  const org = freshNeighbour();
  expect(objects.locate(org).name).toBe("shard-1-7");
  expect([objects.forward(org).name, objects.locate(org).name]).toEqual([org, org]);
  for (let i = 0; i < 10_000; i++) objects.forward(freshOrg());
  expect(objects.locate(org).name).toBe("shard-1-7");
});
