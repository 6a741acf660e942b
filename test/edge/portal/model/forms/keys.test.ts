import { expect, test } from "vitest";
import {
  draftKey,
  findSuccessor,
  listOwned,
  none,
  readNetworks,
  toLocalInput,
  writeKey,
  type KeyView,
} from "#edge/portal/model/forms/keys.ts";

const key: KeyView = {
  id: "key_0000000000000001",
  org: "org_0000000000",
  kind: "inference",
  role: null,
  name: "one",
  hint: "sk-pen-…",
  state: "active",
  endpoints: ["embeddings"],
  models: null,
  ipCidrs: ["203.0.113.0/24", "2001:db8::/32"],
  limits: { requestsPerMinute: 5, tokensPerDay: null },
  expiresAt: "2026-11-30T12:00:00.000Z",
  revokedAt: null,
  replaces: null,
  project: null,
  owner: null,
  version: 1,
  isPublished: true,
  lastUsedAt: null,
  createdAt: "2026-11-30T00:00:00.000Z",
};

test("a form holds what the key has, as text", () => {
  const draft = draftKey(key);
  expect(draft).toMatchObject({
    name: "one",
    endpoints: ["embeddings"],
    models: [],
    ipCidrs: "203.0.113.0/24\n2001:db8::/32",
    limits: { requestsPerMinute: "5" },
  });
  expect(new Date(draft.expiresAt).toISOString()).toBe(key.expiresAt);
  expect(draftKey(null)).toMatchObject({ name: "", expiresAt: "", limits: {} });
});

test("networks are read from lines, commas and blanks", () => {
  expect(readNetworks(" 203.0.113.0/24,\n 2001:db8::/32 ")).toEqual(["203.0.113.0/24", "2001:db8::/32"]);
  expect(readNetworks(" \n")).toBeNull();
  expect(toLocalInput(0)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/);
});

test("a rotated key has the one that replaces it", () => {
  const next = { ...key, id: "key_0000000000000002", replaces: key.id };
  expect(findSuccessor([next, key], key.id)).toBe(next);
  expect(findSuccessor([next, key], next.id)).toBeNull();
});

test("a form that is not touched changes nothing; a limit that is cleared is lifted, and nobody is null", () => {
  const untouched = draftKey(key);
  const { name, endpoints, models, ipCidrs, expiresAt } = key;
  expect(writeKey(untouched, key)).toMatchObject({ name, endpoints, models, ipCidrs, expiresAt });
  expect(writeKey(untouched, key).limits).toMatchObject({ requestsPerMinute: 5, tokensPerDay: null });
  expect(Object.keys(writeKey(untouched, key))).not.toContain("owner");
  const cleared = writeKey({ ...untouched, limits: {}, owner: "sa_1", project: none }, key);
  expect(cleared).toMatchObject({ limits: { requestsPerMinute: null }, owner: "sa_1", project: null });
});

test("a new key says only what was filled in; one that manages has no scopes", () => {
  const draft = { ...draftKey(null), name: "two" };
  const unscoped = { endpoints: null, models: null, ipCidrs: null, limits: null };
  expect(writeKey(draft, null)).toEqual({ name: "two", expiresAt: null, ...unscoped });
  expect(writeKey({ ...draft, kind: "admin", owner: none }, null)).toEqual({
    name: "two",
    expiresAt: null,
    owner: null,
  });
});

test("what ends with an owner are the keys in force that are theirs", () => {
  const hers = { ...key, owner: "user_1" };
  const ended: KeyView = { ...hers, id: "key_0000000000000003", state: "revoked" };
  expect(listOwned([key, hers, ended], "user_1")).toEqual([hers]);
});
