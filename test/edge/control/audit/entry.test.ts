import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { auditStart, hashEntry, type AuditEntry } from "#edge/control/audit/entry.ts";

const entry: AuditEntry = {
  org: "org_0000000000",
  seq: 1,
  atMs: 1_764_500_000_000,
  actor: { kind: "key", id: "key_0000000000000000", name: "laptop", ip: null },
  action: "key.created",
  target: "key_0000000000000001",
  before: null,
  after: '{"name":"ä"}',
  request: null,
  prev: auditStart,
};

it("is SHA-256 of the hash before, a line feed, and the fields as a JSON array, as anybody can reckon it", () => {
  const text =
    `${auditStart}\n["org_0000000000",1,1764500000000,"key","key_0000000000000000","laptop",null,"key.created",` +
    String.raw`"key_0000000000000001",null,"{\"name\":\"ä\"}",null]`;
  expect(hashEntry(entry)).toBe(createHash("sha256").update(text).digest("hex"));
});

it("changes with every field", () => {
  const hashes = [
    { org: "org_0000000001" },
    { seq: 2 },
    { atMs: 0 },
    { actor: { ...entry.actor, ip: "203.0.113.1" } },
    { actor: { ...entry.actor, kind: "operator" as const } },
    { action: "key.changed" },
    { target: "x" },
    { before: "{}" },
    { after: null },
    { request: "req" },
    { prev: "f".repeat(64) },
  ].map((change) => hashEntry({ ...entry, ...change }));
  expect(new Set([hashEntry(entry), ...hashes]).size).toBe(12);
});
