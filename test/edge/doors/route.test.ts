import { expect, test } from "vitest";
import { listMethods, readMethod, takesMethod, type DoorRoute } from "#edge/doors/route.ts";

const route: DoorRoute = {
  path: "/x",
  operations: { GET: { operationId: "showX", summary: "X" }, DELETE: { operationId: "dropX", summary: "X" } },
  door: "site",
  auth: "none",
  endpoint: null,
  isCounted: true,
  hasCors: false,
};

test("what is read with GET is asked with HEAD too, and OPTIONS is taken everywhere", () => {
  expect(listMethods(route)).toEqual(["GET", "HEAD", "DELETE", "OPTIONS"]);
  expect(listMethods({ ...route, operations: {} })).toEqual(["OPTIONS"]);
});

test("a method is taken by its exact name", () => {
  for (const method of ["GET", "HEAD", "DELETE", "OPTIONS"]) expect(takesMethod(route, method)).toBe(true);
  for (const method of ["POST", "get", "TRACE", ""]) expect(takesMethod(route, method)).toBe(false);
});

test("a method that no route has is none", () => {
  expect(readMethod("patch")).toBe("PATCH");
  expect(() => readMethod("trace")).toThrow();
});
