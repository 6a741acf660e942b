import { expect, test } from "vitest";
import { copyBytes, findMaster, openMasterKeys, seal, unseal } from "#edge/agreements/sealing.ts";
import { generateRandomBytes } from "#edge/visit.ts";

const one = "A".repeat(43);

test("the first master key seals; a kid that is not there throws, and so does no secret at all", async () => {
  const masters = await openMasterKeys({ s2: one, s1: "B".repeat(43) }, "stored responses");
  expect(masters.first).toBe("s2");
  expect(() => findMaster(masters, "s3")).toThrow(RangeError);
  await expect(openMasterKeys({}, "stored responses")).rejects.toThrow(TypeError);
});

test("keys of two purposes open nothing of each other, of one secret though they are", async () => {
  const [stored, webhooks] = await Promise.all(
    (["stored responses", "webhook secrets"] as const).map(async (purpose) =>
      findMaster(await openMasterKeys({ s1: one }, purpose), "s1"),
    ),
  );
  const bytes = copyBytes(new TextEncoder().encode("plain"));
  const sealed = await seal(stored!, bytes, "name", generateRandomBytes);
  expect(await unseal(stored!, sealed, "name")).toEqual(bytes);
  await expect(unseal(webhooks!, sealed, "name")).rejects.toThrow();
  await expect(unseal(stored!, sealed, "other")).rejects.toThrow();
});
