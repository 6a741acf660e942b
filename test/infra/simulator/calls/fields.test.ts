import { expect, test } from "vitest";
import { Fields, parseBody, findStopFlaws } from "#infra/simulator/calls/fields.ts";

const kinds = { n: "integer", t: "number", on: "boolean", name: "text" } as const;

test("fields are read as pydantic reads them in its lax mode; null is absent", () => {
  const fields = new Fields({ n: "5", t: 1, on: "yes", name: null, stop: "a", bias: { 5: 1 }, list: [1] }, kinds);
  expect([
    fields.number("n"),
    fields.number("t"),
    fields.is("on"),
    fields.text("name"),
    fields.number("absent"),
  ]).toEqual([5, 1, true, null, null]);
  expect([fields.texts("stop"), fields.record("bias"), fields.list("list"), fields.list("absent")]).toEqual([
    ["a"],
    { 5: 1 },
    [1],
    [],
  ]);
});

test("every misfit is reported", () => {
  for (const [raw, type] of [
    [{ n: 1.5 }, "int_from_float"],
    [{ n: "x" }, "int_parsing"],
    [{ n: [] }, "int_type"],
    [{ t: "hot" }, "float_parsing"],
    [{ t: {} }, "float_type"],
    [{ on: "maybe" }, "bool_parsing"],
    [{ on: [] }, "bool_type"],
    [{ name: 5 }, "string_type"],
  ] as const) {
    expect(() => new Fields(raw, kinds)).toThrow(type);
  }
  expect(() => new Fields({ n: "x", t: "y" }, kinds)).toThrow("2 validation errors");
});

test("stop is a text or a list of texts", () => {
  expect([findStopFlaws(undefined), findStopFlaws("a"), findStopFlaws(["a", "b"])]).toEqual([[], [], []]);
  expect([findStopFlaws(5).length, findStopFlaws(["a", 5])[1]?.loc]).toEqual([2, "body.stop.1"]);
});

test("a body is an object or refused", () => {
  expect(parseBody('{"a":1}')).toEqual({ a: 1 });
  for (const [text, type] of [
    ["", "missing"],
    ["{", "json_invalid"],
    ["[]", "model_attributes_type"],
    ["NaN", "json_invalid"],
  ] as const)
    expect(() => parseBody(text)).toThrow(type);
});
