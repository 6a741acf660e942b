import { expect, test } from "vitest";
import { findReferenceFault, isReference, replaceReferences } from "#edge/protocol/openai/responses/references.ts";

const reference = { type: "item_reference", id: "msg_1" };
const item = { type: "message", role: "user", content: "Hello" };

test("an item that refers to another says so by its type, and names it", () => {
  expect([reference, item, { id: "msg_1" }, null, "item_reference", [reference]].map(isReference)).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
  expect(findReferenceFault(reference)).toBeNull();
  for (const id of [undefined, "", 7, "x".repeat(257)])
    expect(findReferenceFault({ ...reference, id })?.path).toEqual(["id"]);
});

test("stored items take the place of what refers to them; all else stays, in its order", () => {
  const stored = { type: "message", id: "msg_1", role: "assistant", content: [] };
  const referenced = new Map([["msg_1", stored]]);
  expect(replaceReferences([item, reference, reference], { referenced })).toEqual([item, stored, stored]);
  expect(replaceReferences([{ ...reference, id: "msg_2" }], { referenced })).toEqual([{ ...reference, id: "msg_2" }]);
  expect(replaceReferences("Hello", { referenced })).toBe("Hello");
  const input = [reference];
  expect(replaceReferences(input, { referenced: new Map() })).toBe(input);
});
