import { expect, test } from "vitest";
import { permissions } from "#edge/control/permissions.ts";
import { listRoles, tabulateRoles } from "#edge/portal/model/roles.ts";
import texts from "#edge/portal/texts/en.json" with { type: "json" };

test("the table says of each role what the gateway decides by, and every action and role has a text", () => {
  const rows = tabulateRoles();
  const keys = rows.find(({ action }) => action === "keys.write");
  expect(keys?.reaches).toEqual(listRoles().map((role) => permissions["keys.write"][role] ?? null));
  expect(rows.some(({ action }) => action === "nodes.read")).toBe(false);
  expect(rows.map(({ action }) => action).filter((action) => !Object.hasOwn(texts.actions, action))).toEqual([]);
  expect(listRoles().filter((role) => !Object.hasOwn(texts.roles, role))).toEqual([]);
});
