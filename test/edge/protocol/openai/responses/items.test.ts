import { describe, expect, test } from "vitest";
import { findInputFault, itemMembers, readItemType, refuseItem } from "#edge/protocol/openai/responses/items.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const good = [
  { role: "user", content: "hi" },
  { type: "message", role: "developer", content: [{ type: "input_text", text: "hi" }] },
  { role: "user", content: [{ type: "input_image", image_url: "data:image/png;base64,AA==", detail: "low" }] },
  {
    id: "rs_1",
    type: "reasoning",
    summary: [],
    content: [{ type: "reasoning_text", text: "hm" }],
    encrypted_content: "x",
  },
  { type: "function_call", id: "fc_1", call_id: "c", name: "f", arguments: "{}", status: "completed" },
  { type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: "7" }] },
  { type: "custom_tool_call", call_id: "d", name: "g", namespace: "n", input: "text" },
  { type: "custom_tool_call_output", call_id: "d", output: "" },
];

describe("input", () => {
  test("is text, or items of the types that there are", () => {
    expect(findInputFault("")).toBeNull();
    expect(findInputFault(good)).toBeNull();
    expect(new Set(good.map(readItemType))).toEqual(new Set(Object.keys(itemMembers)));
  });

  test.each<[unknown, PropertyKey[]]>([
    [7, []],
    [[], []],
    [["hi"], [0]],
    [[{}], [0, "type"]],
    [[{ type: 7 }], [0, "type"]],
    [[{ role: "tool", content: "x" }], [0, "role"]],
    [[{ role: "user" }], [0, "content"]],
    [[{ role: "user", content: [{ text: "x" }] }], [0, "content", 0, "type"]],
    [[{ role: "user", content: [{ type: "input_image", file_id: "file_x" }] }], [0, "content", 0, "image_url"]],
    [[{ type: "function_call", call_id: "c", name: "f" }], [0, "arguments"]],
    [[{ type: "function_call", call_id: "", name: "f", arguments: "" }], [0, "call_id"]],
    [[{ type: "function_call_output", call_id: "c", output: 7 }], [0, "output"]],
    [[{ type: "custom_tool_call", call_id: "c", name: "f", input: {} }], [0, "input"]],
    [[{ type: "item_reference" }], [0, "id"]],
    [[{ type: "reasoning", content: [{ type: "reasoning_text" }] }], [0, "content", 0, "text"]],
    [
      [good[0], { type: "reasoning", summary: "hm" }],
      [1, "summary"],
    ],
  ])("%j is at fault where it is", (input, path) => {
    expect(findInputFault(input)?.path).toEqual(path);
  });

  test("of a type that cannot be had is refused by name later, whatever it holds", async () => {
    for (const type of [
      "item_reference",
      "web_search_call",
      "compaction",
      "local_shell_call",
      "mcp_call",
      "__proto__",
    ]) {
      expect(findInputFault([{ type, id: "x" }])).toBeNull();
      const refusal = await expectRefusal(() => refuseItem({ type }, "input[3]"), "unsupported_parameter");
      expect([refusal.details.param, refusal.details.message]).toEqual([
        "input[3].type",
        expect.stringContaining(`'${type}'`),
      ]);
    }
    for (const item of good) expect(() => refuseItem(item, "input[0]")).not.toThrow();
  });
});
