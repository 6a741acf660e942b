import { describe, expect, test } from "vitest";
import { readStorageWish, refuseUnstored, writeInputItems } from "#edge/protocol/openai/responses/storage.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const reference = (id: unknown) => ({ type: "item_reference", id });

describe("what a body says of storage", () => {
  test.each([
    [{}, { previous: null, store: null, references: [] }],
    [
      { store: null, previous_response_id: null },
      { previous: null, store: null, references: [] },
    ],
    [{ store: true }, { previous: null, store: true, references: [] }],
    [
      { store: false, previous_response_id: "resp_1" },
      { previous: "resp_1", store: false, references: [] },
    ],
    [{ store: false, previous_response_id: "" }, null],
    [{ store: false }, null],
    [
      { store: false, input: [reference("msg_1")] },
      { previous: null, store: false, references: ["msg_1"] },
    ],
    [
      { input: [reference("msg_1"), reference("msg_2"), reference(7)] },
      { previous: null, store: null, references: ["msg_1", "msg_2"] },
    ],
    [[], null],
    [null, null],
  ])("%j", (body, wish) => {
    expect(readStorageWish(body)).toEqual(wish);
  });

  test.each([
    [{ store: "true" }, "store"],
    [{ store: 1 }, "store"],
    [{ previous_response_id: 7 }, "previous_response_id"],
    [{ input: [reference("msg_1"), reference("msg_2"), reference("msg_1")] }, "input"],
    [{ previous_response_id: "x".repeat(513) }, "previous_response_id"],
  ])("is refused by its name where it is no such thing: %j", async (body, param) => {
    await expectRefusal(() => readStorageWish(body), "invalid_value", param);
  });
});

test("who counts on storage where there is none is told who can have it", () => {
  for (const [previous, param] of [
    [null, "store"],
    ["resp_1", "previous_response_id"],
  ] as const) {
    const { code, details } = refuseUnstored({ previous });
    expect([code, details.param]).toEqual(["unsupported_parameter", param]);
    expect(details.message).toContain("one of its admins or an operator");
  }
});

test("input is kept as items: text is a message of the user", () => {
  expect(writeInputItems("Hello")).toEqual([
    { type: "message", role: "user", content: [{ type: "input_text", text: "Hello" }] },
  ]);
  const items = [{ role: "user", content: "Hello" }];
  expect(writeInputItems(items)).toEqual(items);
  expect(writeInputItems(undefined)).toEqual([]);
});
