import { beforeAll, expect, test } from "vitest";
import { readPrices } from "#edge/adapters/d1/prices.ts";
import { DB, migrate } from "#test/edge/adapters/durable-object/ledger/ledger-world.ts";

beforeAll(migrate);

const insert = (model: string, fromMs: number, cached: number | null) =>
  DB.prepare("INSERT INTO prices VALUES (?, 'shared', ?, 30, ?, 50, 1, 'key_1')").bind(model, fromMs, cached).run();

test("reads of each model what is in force and what is to come, and nothing older", async () => {
  expect(await readPrices(DB, 100, 1_000)).toEqual([]);
  await insert("a", 10, null);
  await insert("a", 90, 3);
  await insert("a", 500, null);
  await insert("b", 100, 0);
  const shown = (await readPrices(DB, 100, 1_000)).map(({ model, fromMs, price }) => [
    model,
    fromMs,
    price.cachedMicrosPerMTok,
  ]);
  expect(shown.toSorted()).toEqual([
    ["a", 500, undefined],
    ["a", 90, 3],
    ["b", 100, 0],
  ]);
});

test("a version is never changed or deleted", async () => {
  await expect(DB.prepare("UPDATE prices SET prompt = 1").run()).rejects.toThrow("prices do not change");
  await expect(DB.prepare("DELETE FROM prices").run()).rejects.toThrow("prices are not deleted");
});

test("a store that does not answer is not waited for", async () => {
  const mute = { prepare: () => ({ bind: () => ({ all: () => new Promise(() => undefined) }) }) };
  await expect(readPrices(mute as unknown as D1Database, 1, 10)).rejects.toThrow("prices: no answer within 10 ms");
});
