import { expect, test } from "vitest";
import { CallEndpoint } from "#edge/agreements/paths.ts";
import { callAddresses } from "#edge/doors/calls.ts";
import { findRoute, routes } from "#edge/doors/routes.ts";

test("no path stands in the table twice, and no operation has another's name", () => {
  const paths = routes.map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
  const names = routes.flatMap(({ operations }) => Object.values(operations).map(({ operationId }) => operationId));
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z0-9]+$/);
});

test("every endpoint is an address that takes POST and shows its answers to pages", () => {
  const called = new Set(Array.from(callAddresses.values(), ({ endpoint }) => endpoint));
  expect([...called].toSorted()).toEqual(CallEndpoint.options.toSorted());
  for (const path of callAddresses.keys()) {
    const route = findRoute(path);
    expect([Object.keys(route?.operations ?? {}), route?.hasCors, route?.isCounted]).toEqual([["POST"], true, true]);
  }
});

test("only probes and nodes are not counted by address, and only callers' paths are open to pages", () => {
  const uncounted = routes.filter(({ isCounted }) => !isCounted).map(({ path }) => path);
  expect(uncounted.toSorted()).toEqual(["/livez", "/origin/heartbeat", "/origin/usage", "/readyz"]);
  const isCallers = (path: string) => /^\/(v1|v2|api|text2sql)/.test(path) && !path.startsWith("/v1/organization/");
  for (const { path, hasCors } of routes) expect([path, hasCors]).toEqual([path, isCallers(path)]);
});

test("a path is found as it is written, and nothing that only looks like it", () => {
  expect(findRoute("/v1/models/org/model-7b")?.path).toBe("/v1/models/{id...}");
  expect(findRoute("/control/orgs/org_x/keys/key_y/revoke")?.path).toBe("/control/orgs/{org}/keys/{key}/revoke");
  for (const path of ["/v1/models/", "/v1/models//x", "/v1/models/x/", "//v1/models", "/control/orgs/", "/V1/models"])
    expect([path, findRoute(path)]).toEqual([path, null]);
});
