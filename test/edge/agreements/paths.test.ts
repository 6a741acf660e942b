import { expect, test } from "vitest";
import { CallEndpoint, callPathNames, callPaths, endpointPaths } from "#edge/agreements/paths.ts";

test("every endpoint belongs to exactly one path of a call", () => {
  const listed = callPathNames.flatMap((path) => callPaths[path].endpoints);
  expect(listed.toSorted()).toEqual(CallEndpoint.options.toSorted());
  expect(Object.keys(callPaths)).toEqual(callPathNames);
});

test("no two endpoints are found at one address of the edge", () => {
  const paths = Object.values(endpointPaths).map(({ edge }) => edge);
  expect(new Set(paths).size).toBe(paths.length);
});
