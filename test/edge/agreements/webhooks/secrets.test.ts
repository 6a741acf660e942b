import { expect, test } from "vitest";
import { openMasterKeys } from "#edge/agreements/sealing.ts";
import { openSecret, sealSecret } from "#edge/agreements/webhooks/secrets.ts";
import { generateRandomBytes } from "#edge/visit.ts";

const [one, two] = ["A".repeat(43), "B".repeat(43)];
const secret = "whsec_c2VjcmV0";

test("a secret opens for its webhook alone, under the key that sealed it", async () => {
  const masters = await openMasterKeys({ s1: one }, "webhook secrets");
  const sealed = await sealSecret(masters, "wh_a", secret, generateRandomBytes);
  expect(sealed).toMatch(/^s1\.[\w-]+$/);
  expect(sealed).not.toContain("c2VjcmV0");
  expect(await openSecret(masters, "wh_a", sealed)).toBe(secret);
  await expect(openSecret(masters, "wh_b", sealed)).rejects.toThrow();
  const both = await openMasterKeys({ s2: two, s1: one }, "webhook secrets");
  expect(await openSecret(both, "wh_a", sealed)).toBe(secret);
  expect(await sealSecret(both, "wh_a", secret, generateRandomBytes)).toMatch(/^s2\./);
  await expect(openSecret(await openMasterKeys({ s2: two }, "webhook secrets"), "wh_a", sealed)).rejects.toThrow();
});

test("the same master secret opens nothing that it sealed for another purpose", async () => {
  const masters = await openMasterKeys({ s1: one }, "webhook secrets");
  const sealed = await sealSecret(masters, "wh_a", secret, generateRandomBytes);
  const others = await openMasterKeys({ s1: one }, "stored responses");
  await expect(openSecret(others, "wh_a", sealed)).rejects.toThrow();
});

test.each(["", "s1", "s1.", "s1.AAAA", "s9.AAAA", "no kid at all"])("%j opens nothing", async (sealed) => {
  const masters = await openMasterKeys({ s1: one }, "webhook secrets");
  await expect(openSecret(masters, "wh_a", sealed)).rejects.toThrow();
});
