import { expect, test } from "vitest";
import {
  CallEndpoint,
  callPathNames,
  callPaths,
  EngineEndpoint,
  endpointPaths,
  findEngineEndpoint,
  ForeignEndpoint,
  isForeign,
} from "#edge/agreements/paths.ts";

test("every endpoint belongs to exactly one path of a call", () => {
  const listed = callPathNames.flatMap((path) => callPaths[path].endpoints);
  expect(listed.toSorted()).toEqual(CallEndpoint.options.toSorted());
  expect(Object.keys(callPaths)).toEqual(callPathNames);
});

test("no two endpoints are found at one address of the edge", () => {
  const paths = Object.values(endpointPaths).map(({ edge }) => edge);
  expect(new Set(paths).size).toBe(paths.length);
});

test("an endpoint of another protocol is read as one that engines know, and all others as themselves", () => {
  for (const endpoint of CallEndpoint.options) {
    const known = findEngineEndpoint(endpoint);
    expect([endpoint, EngineEndpoint.options]).toEqual([endpoint, expect.arrayContaining([known])]);
    expect([endpoint, isForeign(endpoint)]).toEqual([endpoint, ForeignEndpoint.safeParse(endpoint).success]);
    expect(endpointPaths[endpoint].agent).toBe(endpointPaths[known].agent);
    if (!isForeign(endpoint)) expect(known).toBe(endpoint);
  }
  for (const name of ["models", "toString", "__proto__", ""]) expect(isForeign(name)).toBe(false);
});
