import { expect, test } from "vitest";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { findTextFault, nameStrange, writeFormat } from "#edge/protocol/openai/responses/text-format.ts";

const schema = { type: "object", properties: { age: { type: "integer" } } };
const flat = { type: "json_schema", name: "person", schema, strict: true, description: null };

test("the flat form of a schema gets a level; text is no form", () => {
  const write = (text: unknown) => writeFormat(text, new IgnoredMembers());
  expect(write({ format: flat })).toEqual({
    type: "json_schema",
    json_schema: { name: "person", schema, strict: true },
  });
  expect(write({ format: { type: "json_object" } })).toEqual({ type: "json_object" });
  for (const text of [undefined, {}, { format: null }, { format: { type: "text" }, verbosity: "low" }])
    expect(write(text)).toBeUndefined();
});

test("a form is at fault where it is", () => {
  expect(findTextFault({ format: flat, verbosity: "high" })).toBeNull();
  expect(findTextFault({ format: {} })?.path).toEqual(["format", "type"]);
  expect(findTextFault({ format: { type: "grammar" } })?.path).toEqual(["format", "type"]);
  expect(findTextFault({ format: { type: "json_schema", name: "x" } })?.path).toEqual(["format", "schema"]);
  expect(findTextFault({ format: { ...flat, schema: 7 } })?.path).toEqual(["format", "schema"]);
  expect(findTextFault({ verbosity: "loud" })?.path).toEqual(["verbosity"]);
  expect(findTextFault("text")?.path).toEqual([]);
});

test("members that nobody knows are told of", () => {
  const ignored = new IgnoredMembers();
  writeFormat({ format: { type: "text", depth: 1 }, tone: "warm" }, ignored);
  nameStrange({ a: 1, b: null, c: undefined, d: 2 }, { path: "reasoning", known: ["a"] }, ignored);
  expect(ignored.headers).toEqual({ "x-penstock-ignored": "text.tone,text.format.depth,reasoning.d" });
});
