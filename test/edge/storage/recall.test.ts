import { describe, expect, test } from "vitest";
import { chainMax, storageReadMs } from "#edge/agreements/stored-limits.ts";
import { Refusal } from "#edge/errors.ts";
import type { StorageWish } from "#edge/protocol/wires/wire.ts";
import { openRecall } from "#edge/storage/recall.ts";
import { mintOrgKey } from "#edge/storage/sealing.ts";
import { sealResponse } from "#edge/storage/sealed-response.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { visitOf } from "#test/support/fakes/visit.ts";
import { openStorageWorld, org, otherOrg } from "./world.ts";

const silent: StorageWish = { previous: null, store: null, references: [] };
const reference = (number: number) => String(number).padStart(22, "0");
const name = (number: number) => `resp_${reference(number)}`;

async function openWorld(hours: number | null = 24) {
  const world = await openStorageWorld(hours);
  const visit = visitOf();
  const confirmed = { times: 0, refuses: false };
  const confirm = async () => {
    confirmed.times++;
    if (confirmed.refuses) throw new Refusal("invalid_api_key");
  };
  const ask = (wish: Partial<StorageWish> = {}, bytesMax = 100_000, of = org) =>
    openRecall(visit, world.storage, { org: of, confirm })({ ...silent, ...wish }, bytesMax);
  const store = async (number: number, previous: number | null = null) => {
    const storage = await world.storage.open(org, visit.now());
    if (!storage) throw new Error("no storage");
    const id = name(number);
    const items = {
      input: [{ type: "message", id: `msg_${reference(number)}_in0`, text: `in ${number}` }],
      output: [{ type: "message", id: `msg_${reference(number)}_0`, text: `out ${number}` }],
    };
    const sealed = await sealResponse({ org, id, storage }, { items, rest: {} }, generateRandomBytes);
    const entry = { org, id, key: storage.keyId, createdAtMs: visit.now(), sealed };
    await world.memory.put({ ...entry, previous: previous === null ? null : name(previous) });
    world.asked.storage = 0;
  };
  return { ...world, visit, confirmed, ask, store };
}

describe("a call that says nothing of storage", () => {
  test("is not stored where the gateway or its org has none, and waits for nothing it knows", async () => {
    const { visit, ask, asked } = await openWorld(null);
    const confirm = () => Promise.reject(new Error("asked"));
    expect(openRecall(visit, null, { org, confirm })(silent, 1)).toEqual({
      earlier: [],
      referenced: new Map(),
      isStored: false,
    });
    expect(await ask()).toMatchObject({ isStored: false });
    expect([ask() instanceof Promise, asked.storage]).toEqual([false, 1]);
  });

  test("is stored where its org stores, without the ledger being asked", async () => {
    const { ask, visit, confirmed, asked } = await openWorld();
    expect(await ask()).toMatchObject({ isStored: true });
    visit.nowMs += storageReadMs + 1;
    expect([ask(), confirmed.times]).toEqual([expect.objectContaining({ isStored: true }), 0]);
    expect(asked.storage).toBe(2);
  });

  test("goes on where the store is away, and is not stored", async () => {
    const { ask, faults, visit } = await openWorld();
    faults.fails = "findStorage";
    expect(await ask()).toMatchObject({ isStored: false });
    expect(visit.logged.map(({ event }) => event)).toEqual(["storage_unreadable"]);
  });
});

describe("a call that goes on from a stored response", () => {
  test("gets all items before its own, the oldest first, and is stored unless it says otherwise", async () => {
    const { ask, store } = await openWorld();
    await store(1);
    await store(2, 1);
    const found = await ask({ previous: name(2) });
    expect(found.earlier.map(({ text }) => text)).toEqual(["in 1", "out 1", "in 2", "out 2"]);
    expect([found.isStored, (await ask({ previous: name(2), store: false })).isStored]).toEqual([true, false]);
  });

  test("hears of one that is not there, not its own, not whole or not an id the same", async () => {
    const { ask, store, memory, masters, visit } = await openWorld();
    await store(1);
    await store(2, 1);
    await store(4);
    await memory.delete(org, name(1), visit.now());
    await memory.switchOn(otherOrg, 24, await mintOrgKey(otherOrg, masters, generateRandomBytes), 0);
    await expectRefusal(() => ask({ previous: name(4) }, 100_000, otherOrg), "previous_response_not_found");
    for (const previous of [name(3), name(2), "resp_x", "x".repeat(500)]) {
      const refusal = await expectRefusal(
        () => ask({ previous }),
        "previous_response_not_found",
        "previous_response_id",
      );
      expect(refusal.details.message).toMatch(/^Previous response with id '.*' not found\.$/);
      expect(String(refusal.details.message).length).toBeLessThan(200);
    }
    visit.nowMs += 24 * 3_600_000;
    await expectRefusal(() => ask({ previous: name(4) }), "previous_response_not_found");
  });

  test("is told nothing if its key is not in force, whatever is or is not there", async () => {
    const { ask, store, confirmed } = await openWorld();
    await store(1);
    confirmed.refuses = true;
    for (const previous of [name(1), name(2)]) await expectRefusal(() => ask({ previous }), "invalid_api_key");
    await expectRefusal(() => ask({ references: ["msg_x"] }), "invalid_api_key");
    expect(await ask({ store: true })).toMatchObject({ isStored: true });
    const without = await openWorld(null);
    without.confirmed.refuses = true;
    await expectRefusal(() => without.ask({ store: true }), "invalid_api_key");
  });

  test("is refused where the conversation is longer than there is room for, and where the store is away", async () => {
    const { ask, store, faults } = await openWorld();
    await store(1);
    await expectRefusal(() => ask({ previous: name(1) }, 10), "request_too_large", "previous_response_id");
    faults.fails = "readChain";
    await expectRefusal(() => ask({ previous: name(1) }), "store_unavailable");
  });
});

describe("a call that refers to stored items", () => {
  test("gets each by its id, of the input and of the output, from any of its org's responses", async () => {
    const { ask, store } = await openWorld();
    await store(1);
    await store(2);
    const references = [`msg_${reference(1)}_0`, `msg_${reference(2)}_in0`];
    const { referenced } = await ask({ references });
    expect(references.map((id) => referenced.get(id)?.["text"])).toEqual(["out 1", "in 2"]);
  });

  test("hears by name of one that is not there, and of too many", async () => {
    const { ask, store } = await openWorld();
    await store(1);
    for (const id of [`msg_${reference(1)}_9`, `msg_${reference(2)}_0`, "msg_x"]) {
      const refusal = await expectRefusal(() => ask({ references: [id] }), "not_found", "input");
      expect(refusal.details.message).toContain(`Item with id '${id}' not found.`);
    }
    const many = Array.from({ length: chainMax + 1 }, (_, index) => `msg_${reference(index)}_0`);
    await expectRefusal(() => ask({ references: many }), "request_too_large", "input");
    await expectRefusal(() => ask({ references: [`msg_${reference(1)}_0`] }, 10), "request_too_large", "input");
  });
});

test("what a call goes on from and what it refers to have room together, not each", async () => {
  const { ask, store, held } = await openWorld();
  await store(1);
  await store(2);
  const bytes = (number: number) => held.responses.get(name(number))?.sealed.items.length ?? 0;
  const wish = { previous: name(1), references: [`msg_${reference(2)}_0`] };
  const { earlier, referenced } = await ask(wish, bytes(1) + bytes(2));
  expect([earlier.length, referenced.size]).toEqual([2, 1]);
  await expectRefusal(() => ask(wish, bytes(1) + bytes(2) - 1), "request_too_large", "input");
});

test("without storage, who asks to be stored or to go on is refused by the member's name", async () => {
  const { ask, storage: _, ...world } = await openWorld(null);
  await expectRefusal(() => ask({ store: true }), "unsupported_parameter", "store");
  await expectRefusal(() => ask({ previous: name(1) }), "unsupported_parameter", "previous_response_id");
  const nowhere = openRecall(world.visit, null, { org, confirm: async () => undefined });
  await expectRefusal(() => nowhere({ ...silent, store: true }, 1), "unsupported_parameter", "store");
  expect(await ask({ references: ["msg_x"] })).toMatchObject({ isStored: false });
});
