import { expect, test } from "vitest";
import { parseExact } from "#edge/agreements/exact-json.ts";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { restoreDigits } from "#edge/protocol/digits.ts";

function exactOf(text: string): JsonObject {
  const exact = parseExact(text);
  if (!isObject(exact)) throw new Error("no object");
  return exact;
}

test("members that nobody here reads go on with the digits that they came with, however deep", () => {
  const text = '{"tools":[{"const":2512292042121000001}],"brand_new":1.10,"metadata":{"a":[-0,1e400]}}';
  expect(JSON.stringify(restoreDigits(JSON.parse(text), exactOf(text)))).toBe(text);
});

test("members whose numbers are read here stay plain numbers, and no member comes back that was taken out", () => {
  const text = '{"n":1.0,"logit_bias":{"5":1.0},"prompt":[1.0,2],"input":[[3.0]],"cache_salt":1.10,"x":1.10}';
  const { cache_salt: _, ...kept } = JSON.parse(text);
  const restored = restoreDigits(kept, exactOf(text));
  expect(restored).toMatchObject({ n: 1, logit_bias: { "5": 1 }, prompt: [1, 2], input: [[3]] });
  expect(JSON.stringify(restored)).toMatch(/"x":1\.10}$/);
  expect(restored).not.toHaveProperty("cache_salt");
});

test("a body without such numbers is the very same", () => {
  const body = { a: 1 };
  expect(restoreDigits(body, null)).toBe(body);
});
