import { expect, test } from "vitest";
import { isObject, parseObject } from "#edge/agreements/json.ts";

test.each([
  ['{"a":1}', { a: 1 }],
  ["{}", {}],
  ['{"__proto__":1}', JSON.parse('{"__proto__":1}')],
])("an object is read: %s", (text, value) => {
  expect(parseObject(text)).toEqual(value);
});

test.each(["[]", "null", "1", '"a"', "true", "", "{", '{"a":1} x', "NaN"])(
  "what is not one JSON object is null and does not throw: '%s'",
  (text) => {
    expect(parseObject(text)).toBeNull();
  },
);

test("arrays and null are not objects", () => {
  expect([{}, [], null, undefined, "a", 1].map(isObject)).toEqual([true, false, false, false, false, false]);
});
