import { expect, test } from "vitest";
import { storageReadMs, storageStaleMs } from "#edge/agreements/stored-limits.ts";
import { mintOrgKey } from "#edge/storage/sealing.ts";
import { reach } from "#edge/storage/storage.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { openStorageWorld, org } from "./world.ts";

test("an org's storage is opened with its key; without storage there is none", async () => {
  const { storage, held } = await openStorageWorld();
  const opened = await storage.open(org, 0);
  expect(opened?.keyId).toBe(held.keys.get(org)?.id);
  expect(await (await openStorageWorld(null)).storage.open(org, 0)).toBeNull();
});

test("what was heard of an org is known for a while, then asked behind one call, and at last before it", async () => {
  const { storage, asked } = await openStorageWorld();
  const behind: Promise<unknown>[] = [];
  const recall = (nowMs: number) => storage.recall(org, nowMs, (work) => void behind.push(work));
  expect(recall(0)).toBeUndefined();
  const opened = await storage.open(org, 0);
  expect([recall(storageReadMs), behind.length, asked.storage]).toEqual([opened, 0, 1]);
  expect([recall(storageReadMs + 1), recall(storageReadMs + 1), behind.length]).toEqual([opened, opened, 1]);
  await Promise.all(behind);
  expect([recall(2 * storageReadMs), behind.length, asked.storage]).toEqual([opened, 1, 2]);
  expect(recall(storageReadMs + 1 + storageStaleMs + 1)).toBeUndefined();
});

test("a key that took another's place is the one that is used", async () => {
  const { storage, memory, masters } = await openStorageWorld();
  const first = await storage.open(org, 0);
  await memory.switchOff(org);
  expect([await storage.open(org, 1), storage.recall(org, 1, () => undefined)]).toEqual([null, null]);
  await memory.switchOn(org, 1, await mintOrgKey(org, masters, generateRandomBytes), 0);
  const second = await storage.open(org, 2);
  expect(second?.keyId).not.toBe(first?.keyId);
  expect(second).not.toBeNull();
});

test("a store that fails is 503, to be repeated, and whoever asks hears nothing of why", async () => {
  const { storage, faults } = await openStorageWorld();
  faults.fails = "findStorage";
  const refusal = await expectRefusal(() => storage.open(org, 0), "store_unavailable");
  expect(refusal.details.retryAfterMs).toBe(1_000);
  await expectRefusal(() => reach(Promise.reject(new Error("secret"))), "store_unavailable");
  expect(await reach(Promise.resolve(1))).toBe(1);
});
