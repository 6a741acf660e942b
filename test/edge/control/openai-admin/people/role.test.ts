import { expect, test } from "vitest";
import {
  findRoleById,
  readRole,
  showAssigned,
  showRole,
  toOpenAiRole,
} from "#edge/control/openai-admin/people/role.ts";
import { listActions, memberRoles } from "#edge/control/permissions.ts";

test("owners are OpenAI's owners, all others its readers", () => {
  expect(memberRoles.map(toOpenAiRole)).toEqual(["owner", "reader", "reader", "reader", "reader"]);
});

test("reader leaves who is one as they are, and makes a developer of an owner and of somebody new", () => {
  const left = memberRoles.map((role) => readRole("reader", role));
  expect(left).toEqual(["developer", "admin", "developer", "billing", "viewer"]);
  expect(readRole("reader", null)).toBe("developer");
  for (const role of memberRoles) expect(readRole(role, "viewer")).toBe(role);
  expect(readRole("operator", null)).toBeNull();
});

test("roles have ids, and say what the table of permissions says", () => {
  for (const role of memberRoles) {
    const { id, permissions } = showRole(role);
    expect([findRoleById(id), permissions]).toEqual([role, listActions([role])]);
    expect(showAssigned(role)).toMatchObject({ id, name: role, assignment_sources: null });
  }
  expect(findRoleById("role_operator")).toBeNull();
  expect(findRoleById("owner")).toBeNull();
});
