import { expect, test } from "vitest";
import { openRetentionSwitch, tendStorage } from "#edge/storage/retention.ts";
import { openMasterKeys, openOrgKey } from "#edge/storage/sealing.ts";
import { generateRandomBytes } from "#edge/visit.ts";
import { openStorageWorld, org, secrets } from "./world.ts";

const clock = { now: () => 0, random: generateRandomBytes };

test("storage is switched on with a key of its own, changed with the same, and off without one", async () => {
  const { memory, masters } = await openStorageWorld(null);
  const retention = openRetentionSwitch({ control: memory, masters, ...clock });
  expect(retention.isPossible).toBe(true);
  await retention.set(org, 1);
  const first = await memory.findStorage(org);
  await retention.set(org, 720);
  expect(await memory.findStorage(org)).toEqual({ hours: 720, key: first?.key });
  await retention.set(org, null);
  expect(await memory.findStorage(org)).toBeNull();
});

test("without master keys it can be switched off alone", async () => {
  const { memory } = await openStorageWorld();
  const retention = openRetentionSwitch({ control: memory, masters: null, ...clock });
  expect(retention.isPossible).toBe(false);
  await expect(retention.set(org, 1)).rejects.toThrow("no master key");
  await retention.set(org, null);
  expect(await memory.findStorage(org)).toBeNull();
});

test("the cron sweeps, and seals each key anew under the first master key", async () => {
  const { memory, held } = await openStorageWorld();
  const before = await memory.findStorage(org);
  const turned = await openMasterKeys({ s2: "B".repeat(43), ...secrets });
  await tendStorage({ control: memory, masters: turned, ...clock });
  const key = held.keys.get(org);
  expect([key?.id, key?.kid]).toEqual([before?.key.id, "s2"]);
  if (!key) throw new Error("no key");
  await expect(openOrgKey(org, key, await openMasterKeys({ s2: "B".repeat(43) }))).resolves.toBeDefined();
  await tendStorage({ control: memory, masters: null, ...clock });
  expect(held.keys.get(org)).toEqual(key);
});
