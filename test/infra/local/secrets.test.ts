import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeSecrets, makeSecretVars, openSecrets } from "#infra/local/secrets.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "secrets-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("secrets are made once, for their owner's eyes, and read again", () => {
  const stateDir = join(folder, "new");
  const made = openSecrets(stateDir);
  expect(openSecrets(stateDir)).toEqual(made);
  expect(statSync(join(stateDir, "secrets.json")).mode & 0o777).toBe(0o600);
  expect(openSecrets(join(folder, "other")).nodeMasterKeys).not.toEqual(made.nodeMasterKeys);
});

test("a folder of an older stack keeps what it has, gets what it lacks, and loses what nobody reads", () => {
  const { tagKeys, peppers, bootstrapToken, cacheSaltSecret } = makeSecrets();
  const older = { tagKeys, peppers, bootstrapToken, cacheSaltSecret, hopKey: { kid: "h1" }, nodeKeys: {} };
  const file = join(folder, "secrets.json");
  writeFileSync(file, JSON.stringify(older), { mode: 0o600 });
  const secrets = openSecrets(folder);
  expect(secrets).toMatchObject({ tagKeys, peppers, bootstrapToken, cacheSaltSecret });
  expect(Object.keys(makeSecretVars(secrets))).toContain("NODE_MASTER_KEYS");
  expect(Object.keys(secrets).toSorted()).toEqual(Object.keys(makeSecrets()).toSorted());
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(secrets);
  expect(openSecrets(folder)).toEqual(secrets);
});
