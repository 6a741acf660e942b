import { describe, expect, test } from "vitest";
import {
  checkImage,
  checkOllamaMessages,
  namePart,
  translateMessages,
  writeContent,
} from "#edge/protocol/ollama/messages.ts";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { png } from "./world.ts";

const translate = (messages: Parameters<typeof translateMessages>[0]) =>
  translateMessages(messages, null, new IgnoredMembers());
const call = (name: string, id?: string) => ({ ...(id && { id }), function: { name, arguments: { a: 1 } } });

describe("messages", () => {
  test("keep their role in small letters, their text, their thinking and the tool's name", () => {
    expect(translate([{ role: "User", content: "a" }])).toEqual([{ role: "user", content: "a" }]);
    expect(translate([{ role: "assistant", content: null, thinking: "hm" }])).toEqual([
      { role: "assistant", content: "", reasoning: "hm" },
    ]);
  });

  test("of tools answer the first open call of their name, or the one with their id", () => {
    const asked = { role: "assistant", tool_calls: [call("f"), call("g"), call("f", "own")] };
    const answers = [
      { role: "tool", content: "1", tool_name: "g" },
      { role: "tool", content: "2", tool_call_id: "own" },
      { role: "tool", content: "3" },
      { role: "tool", content: "4", tool_name: "nobody" },
    ];
    const [first, ...others] = translate([asked, ...answers]);
    const made = [
      { id: "call00000", type: "function", function: { name: "f", arguments: '{"a":1}' } },
      { id: "call00001", type: "function", function: { name: "g", arguments: '{"a":1}' } },
      { id: "own", type: "function", function: { name: "f", arguments: '{"a":1}' } },
    ];
    expect(first).toMatchObject({ content: "", tool_calls: made });
    expect(others.map((message) => message["tool_call_id"])).toEqual(["call00001", "own", "call00000", undefined]);
    expect(others[0]).toMatchObject({ role: "tool", content: "1", name: "g" });
  });

  test("name what nobody knows of them", () => {
    const ignored = new IgnoredMembers();
    translateMessages([{ role: "user", content: "x", odd: 1, none: null }], null, ignored);
    expect(ignored.headers).toEqual({ "x-penstock-ignored": "messages[].odd" });
  });
});

describe("pictures", () => {
  test("are told by how they begin", () => {
    for (const [base64, type] of [
      [png, "image/png"],
      ["/9j/4AAQ", "image/jpeg"],
      ["UklGRgAA", "image/webp"],
      ["R0lGODlh", "image/gif"],
    ]) {
      expect(checkImage(base64)).toBeNull();
      expect(JSON.stringify(writeContent("", [base64 ?? ""]))).toContain(`data:${type};base64,${base64}`);
    }
    for (const wrong of ["", "http://x", `data:image/png;base64,${png}`, "AAAA", `${png}\n`, 3, null])
      expect([wrong, checkImage(wrong)]).toEqual([wrong, expect.objectContaining({ path: [] })]);
  });

  test("stand behind the text, and are named by their own count", () => {
    expect(writeContent("a", [])).toBe("a");
    expect(writeContent("a", [png])).toHaveLength(2);
    expect([namePart(true, 0), namePart(true, 1), namePart(false, 0)]).toEqual([
      ".content",
      ".images[0]",
      ".images[0]",
    ]);
  });

  test("are checked with all else of a message, by their path", () => {
    expect(checkOllamaMessages([{ role: "user", images: [png, "x"] }])?.path).toEqual([0, "images", 1]);
    expect(checkOllamaMessages([{ role: "user", images: [png] }])).toBeNull();
  });
});
