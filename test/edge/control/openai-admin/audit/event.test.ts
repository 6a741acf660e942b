import { expect, test } from "vitest";
import type { AuditRow } from "#edge/control/audit/queries.ts";
import { eventNames, readEntry, readTypes, toOpenAiAuditLog } from "#edge/control/openai-admin/audit/event.ts";

const row = (given: Partial<AuditRow>): AuditRow => ({
  org: "org_0000000000",
  seq: 7,
  at_ms: 1_999,
  actor_kind: "member",
  actor: "user_0000000000000000000000",
  actor_name: "Ada",
  actor_ip: "203.0.113.7",
  action: "key.created",
  target: "key_0000000000000000",
  before: null,
  after: '{"name":"x"}',
  request: null,
  prev: "",
  hash: "",
  ...given,
});

test("an entry is told under OpenAI's name of it, with what it is or was asked to be", () => {
  expect(toOpenAiAuditLog(row({}))).toEqual({
    id: "audit_log_7",
    type: "api_key.created",
    effective_at: 1,
    actor: { type: "session", session: { user: { id: "user_0000000000000000000000" }, ip_address: "203.0.113.7" } },
    "api_key.created": { id: "key_0000000000000000", data: { name: "x" } },
  });
  expect(toOpenAiAuditLog(row({ action: "key.changed" }))["api_key.updated"]).toEqual({
    id: "key_0000000000000000",
    changes_requested: { name: "x" },
  });
  expect(toOpenAiAuditLog(row({ action: "key.revoked" }))["api_key.deleted"]).toEqual({ id: "key_0000000000000000" });
});

test("what OpenAI has no word for keeps ours, and the house is nobody", () => {
  expect(toOpenAiAuditLog(row({ action: "budget.created", actor_kind: "house" }))).toMatchObject({
    type: "budget.created",
    actor: null,
    "budget.created": { data: { name: "x" } },
  });
  const byKey = toOpenAiAuditLog(row({ actor_kind: "key", actor: "key_0000000000000000" }));
  expect(byKey.actor).toEqual({ type: "api_key", api_key: { id: "key_0000000000000000" } });
});

test("types are read as the actions that are told under them, and entries by their ids", () => {
  expect(readTypes(["api_key.updated", "budget.created"])).toEqual(
    expect.arrayContaining(["key.changed", "key.rotated", "budget.created"]),
  );
  expect(readTypes(["certificate.created"])).toEqual(["certificate.created"]);
  for (const [action, type] of Object.entries(eventNames)) expect(readTypes([type])).toContain(action);
  expect([readEntry("audit_log_12"), readEntry("12"), readEntry("audit_log_x")]).toEqual([12, null, null]);
});
