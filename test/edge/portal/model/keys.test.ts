import { expect, test } from "vitest";
import { draftKey, findSuccessor, readNetworks, toLocalInput, type KeyView } from "#edge/portal/model/keys.ts";

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
  lastUsedAt: null,
  createdAt: "2026-11-30T00:00:00.000Z",
};

test("a form holds what the key has, as text", () => {
  const draft = draftKey(key, (name, value) => `${name} ${value}`);
  expect(draft).toMatchObject({
    name: "one",
    endpoints: ["embeddings"],
    models: [],
    ipCidrs: "203.0.113.0/24\n2001:db8::/32",
    limits: { requestsPerMinute: "requestsPerMinute 5" },
  });
  expect(new Date(draft.expiresAt).toISOString()).toBe(key.expiresAt);
  expect(draftKey(null, String)).toMatchObject({ name: "", expiresAt: "", limits: {} });
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
