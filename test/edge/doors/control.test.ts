import { expect, test } from "vitest";
import { control, listControlRoutes, openAiAdmin, signIn } from "#edge/doors/control.ts";

test("every endpoint of the control plane is a method of a row, under /control", () => {
  const listed = listControlRoutes().filter(({ path }) => path.startsWith("/control"));
  const rows = listed.flatMap(({ path, operations }) => Object.keys(operations).map((m) => `${m} ${path}`));
  const described = control.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === "route" ? [`${definition.route.method.toUpperCase()} /control${definition.route.path}`] : [],
  );
  expect(rows.toSorted()).toEqual(described.toSorted());
  expect(rows.length).toBeGreaterThan(10);
});

test("every endpoint in OpenAI's form is a method of a row, for admin keys and no pages", () => {
  const listed = listControlRoutes().filter(({ path }) => path.startsWith("/v1/organization/"));
  const described = openAiAdmin.openAPIRegistry.definitions.filter(({ type }) => type === "route");
  expect(listed.flatMap(({ operations }) => Object.keys(operations)).length).toBe(described.length);
  expect(described.length).toBeGreaterThan(50);
  for (const { path, auth, hasCors, isCounted } of listed)
    expect([path, auth, hasCors, isCounted]).toEqual([path, "adminKey", false, true]);
});

test("every step of signing in is a method of a row, under /auth", () => {
  const rows = listControlRoutes().filter(({ path }) => path.startsWith("/auth/"));
  const steps = signIn.openAPIRegistry.definitions.filter(({ type }) => type === "route");
  // The issuers' way back is in no document.
  expect(rows.flatMap(({ operations }) => Object.keys(operations)).length).toBe(steps.length + 1);
  for (const { path, auth, isCounted, hasCors } of rows) {
    const isOwn = /^\/auth\/(session|passkeys|second-factor)/.test(path);
    expect([path, auth, isCounted, hasCors]).toEqual([path, isOwn ? "session" : "none", true, false]);
  }
});

test("the bootstrap is opened by its token alone, all else by an admin's key", () => {
  const listed = listControlRoutes().filter(({ path }) => path.startsWith("/control"));
  for (const { path, auth } of listed)
    expect([path, auth]).toEqual([path, path === "/control/bootstrap" ? "bootstrapToken" : "adminKey"]);
});
