import { expect, it } from "vitest";
import { Key, refusePast, toKey } from "#edge/control/keys/key.ts";
import { isInForce, toKeyRecord, type KeyRow } from "#edge/control/keys/queries.ts";

const row: KeyRow = {
  id: "key_0000000000000000",
  org: "org_0000000000",
  kind: "inference",
  role: null,
  name: "x",
  hint: "sk-pen-…",
  digest: "d".repeat(64),
  pepper_kid: "p1",
  endpoints: null,
  models: null,
  ip_cidrs: ["::1"],
  limits: null,
  expires_at_ms: 1_000,
  revoked_at_ms: null,
  replaces: null,
  lineage: null,
  stop_micros: null,
  project: null,
  owner: null,
  version: 1,
  published_version: 1,
  created_at_ms: 0,
  last_used_at_ms: null,
};

it("shows a row as the document describes it, without its digest", () => {
  expect(Key.parse(toKey(row, 0))).toMatchObject({
    state: "active",
    expiresAt: "1970-01-01T00:00:01.000Z",
    revokedAt: null,
  });
  expect(JSON.stringify(toKey(row, 0))).not.toContain(row.digest);
});

it("expires at the very millisecond, and is revoked before it is expired", () => {
  expect([999, 1_000].map((nowMs) => [isInForce(row, nowMs), toKey(row, nowMs).state])).toEqual([
    [true, "active"],
    [false, "expired"],
  ]);
  expect(toKey({ ...row, revoked_at_ms: 1 }, 5_000).state).toBe("revoked");
  expect(toKeyRecord({ ...row, revoked_at_ms: 1 }).isRevoked).toBe(true);
});

it("is not shown as revoked before the data plane has heard of it", () => {
  const behind: KeyRow = { ...row, revoked_at_ms: 1, version: 2 };
  expect(toKey(behind, 5_000)).toMatchObject({ state: "revoking", isPublished: false });
  expect(toKey({ ...behind, published_version: 2 }, 5_000)).toMatchObject({ state: "revoked", isPublished: true });
  expect(toKey({ ...behind, kind: "admin", role: "admin" }, 5_000)).toMatchObject({
    state: "revoked",
    isPublished: true,
  });
});

it("refuses moments that have passed, and takes none", () => {
  expect(() => refusePast(1_000, 1_000)).toThrow();
  for (const fine of [1_001, null, undefined]) expect(() => refusePast(fine, 1_000)).not.toThrow();
});
