import { describe, expect, test } from "vitest";
import { chainMax } from "#edge/agreements/stored-limits.ts";
import { sealResponse } from "#edge/storage/sealed-response.ts";
import { answerStored, type StoredTask } from "#edge/storage/stored.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { openStorageWorld, org, otherOrg } from "./world.ts";

const reference = (number: number) => String(number).padStart(22, "0");
const name = (number: number) => `resp_${reference(number)}`;
const tasks: readonly StoredTask[] = ["show", "delete", "listItems", "cancel"];

async function openWorld() {
  const world = await openStorageWorld();
  const storage = await world.storage.open(org, 0);
  if (!storage) throw new Error("no storage");
  const store = async (number: number, items: number, previous: number | null = null) => {
    const id = name(number);
    const input = Array.from({ length: items }, (_, at) => ({
      type: "message",
      id: `msg_${reference(number)}_in${at}`,
    }));
    const output = [{ type: "message", id: `msg_${reference(number)}_0` }];
    const opened = { items: { input, output }, rest: { id, status: "completed" } };
    const sealed = await sealResponse({ org, id, storage }, opened, generateRandomBytes);
    const before = previous === null ? null : name(previous);
    await world.memory.put({ org, id, key: storage.keyId, previous: before, createdAtMs: 0, sealed });
  };
  const ask = (task: StoredTask, id: string, query: Record<string, string> = {}, of = org) =>
    answerStored(world.storage, { task, org: of, id, query: new URLSearchParams(query), nowMs: 1 });
  return { ...world, store, ask };
}

test("a response is shown as it was answered, and deleted once", async () => {
  const { store, ask } = await openWorld();
  await store(1, 1);
  const output = [{ type: "message", id: `msg_${reference(1)}_0` }];
  expect(await ask("show", name(1))).toEqual({ id: name(1), status: "completed", output });
  expect(await ask("show", name(1), { stream: "false", "include[]": "x" })).toMatchObject({ id: name(1) });
  const refusal = await expectRefusal(() => ask("cancel", name(1)), "invalid_value");
  expect(refusal.details.message).toBe("Cannot cancel a synchronous response.");
  expect(await ask("delete", name(1))).toEqual({ id: name(1), object: "response", deleted: true });
  for (const task of tasks) await expectRefusal(() => ask(task, name(1)), "not_found");
});

test("what is not there is not found, whatever is asked and by whoever", async () => {
  const { store, ask, storage } = await openWorld();
  await store(1, 1);
  for (const task of tasks) {
    for (const [id, of] of [
      [name(2), org],
      ["resp_x", org],
      ["..", org],
      [name(1), otherOrg],
    ] as const) {
      const refusal = await expectRefusal(() => ask(task, id, {}, of), "not_found");
      expect(refusal.details.message).toBe(`Response with id '${id}' not found.`);
    }
    const question = { task, org, id: name(1), query: new URLSearchParams(), nowMs: 24 * 3_600_000 };
    await expectRefusal(() => answerStored(storage, question), "not_found");
    await expectRefusal(() => answerStored(null, { ...question, nowMs: 1 }), "not_found");
  }
});

describe("the items of a response", () => {
  test("come by pages, the newest first or the oldest, with those of the conversation before", async () => {
    const { store, ask } = await openWorld();
    await store(1, 2);
    await store(2, 3, 1);
    const all = ["1_in0", "1_in1", "1_0", "2_in0", "2_in1", "2_in2"].map((end) => {
      const [number, item = ""] = end.split("_");
      return `msg_${reference(Number(number))}_${item}`;
    });
    const page = async (query: Record<string, string>) => {
      const { data, ...rest } = await ask("listItems", name(2), query);
      if (!Array.isArray(data)) throw new Error("no list");
      return { ids: data.map(({ id }) => id), ...rest };
    };
    const list = { object: "list" };
    expect(await page({ order: "asc" })).toEqual({
      ids: all,
      ...list,
      first_id: all[0],
      last_id: all[5],
      has_more: false,
    });
    expect(await page({ limit: "4" })).toEqual({
      ids: [all[5], all[4], all[3], all[2]],
      ...list,
      first_id: all[5],
      last_id: all[2],
      has_more: true,
    });
    expect(await page({ limit: "4", after: all[2] ?? "" })).toMatchObject({ ids: [all[1], all[0]], has_more: false });
    expect(await page({ after: all[0] ?? "" })).toEqual({
      ids: [],
      ...list,
      first_id: null,
      last_id: null,
      has_more: false,
    });
  });

  test("are asked for by a query that is right, each part refused by its name", async () => {
    const { store, ask } = await openWorld();
    await store(1, 1);
    for (const [param, values] of Object.entries({
      limit: ["0", "101", "-1", "1.5", "x", "", "1000"],
      order: ["up", "", "ASC"],
      after: ["msg_x", ""],
    }))
      for (const value of values)
        await expectRefusal(() => ask("listItems", name(1), { [param]: value }), "invalid_value", param);
    await expectRefusal(() => ask("show", name(1), { stream: "true" }), "unsupported_parameter", "stream");
  });

  test("of a conversation that was begun with what is gone are those that are left; too many are refused", async () => {
    const { store, ask, memory } = await openWorld();
    await store(1, 1);
    await store(2, 1, 1);
    await memory.delete(org, name(1), 1);
    expect((await ask("listItems", name(2)))["data"]).toHaveLength(1);
    for (let at = 3; at <= chainMax + 3; at++) await store(at, 0, at - 1);
    await expectRefusal(() => ask("listItems", name(chainMax + 3)), "request_too_large");
  });
});
