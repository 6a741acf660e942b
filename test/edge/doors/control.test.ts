import { expect, test } from "vitest";
import { control, listControlRoutes } from "#edge/doors/control.ts";

test("every endpoint of the control plane is a method of a row, under /control", () => {
  const rows = listControlRoutes().flatMap(({ path, operations }) =>
    Object.keys(operations).map((m) => `${m} ${path}`),
  );
  const described = control.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === "route" ? [`${definition.route.method.toUpperCase()} /control${definition.route.path}`] : [],
  );
  expect(rows.toSorted()).toEqual(described.toSorted());
  expect(rows.length).toBeGreaterThan(10);
});

test("the bootstrap is opened by its token alone, all else by an admin's key", () => {
  for (const { path, auth } of listControlRoutes())
    expect([path, auth]).toEqual([path, path === "/control/bootstrap" ? "bootstrapToken" : "adminKey"]);
});
