import { expect, test } from "vitest";
import { writeAnthropicQuery, writeCallParameters, writePathParameters } from "#edge/doors/open-api/parameters.ts";
import { callHeaders } from "#edge/protocol/headers.ts";

test("a path's parameters are those in braces, and each is required", () => {
  expect(writePathParameters("/v1/models/{name...}")).toMatchObject([{ name: "name", in: "path", required: true }]);
  expect(writePathParameters("/a/{one}/b/{two}")).toMatchObject([{ name: "one" }, { name: "two" }]);
  expect(writePathParameters("/health")).toEqual([]);
});

test("what only Anthropic's clients mean says so, and a call's headers are all told", () => {
  expect(writeAnthropicQuery("limit", "How many.")).toMatchObject({ in: "query", required: false });
  expect(writeAnthropicQuery("limit", "How many.").description).toContain("`anthropic-version` alone");
  const names = writeCallParameters().map((parameter) => (parameter as { name: string }).name);
  expect(names).toEqual(Object.keys(callHeaders));
});
