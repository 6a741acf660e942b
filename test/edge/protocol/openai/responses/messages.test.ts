import { describe, expect, test } from "vitest";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { writeMessages } from "#edge/protocol/openai/responses/messages.ts";

const write = (input: unknown, instructions?: string, ignored = new IgnoredMembers()) =>
  writeMessages({ input, instructions }, ignored);
const user = (text: string) => ({ role: "user", content: text });
const call = (id: string, namespace?: string) => ({
  type: "function_call",
  call_id: id,
  name: "f",
  arguments: "{}",
  ...(namespace && { namespace }),
});
const output = (id: string) => ({ type: "function_call_output", call_id: id, output: "7" });
const thought = (text: string) => ({ type: "reasoning", summary: [], content: [{ type: "reasoning_text", text }] });
const called = (id: string, name = "f") => ({ id, type: "function", function: { name, arguments: "{}" } });

describe("messages", () => {
  test("of text are one of the user", () => {
    expect(write("Hello")).toMatchObject({ messages: [user("Hello")], names: { "messages[0].content": "input" } });
  });

  test("of the system and the developer in front become one, as templates print one; later ones stay", () => {
    const input = [
      { role: "developer", content: [{ type: "input_text", text: "Second." }] },
      { role: "system", content: "Third." },
      user("Hello"),
      { role: "developer", content: "Later." },
    ];
    const { messages, names } = write(input, "First.");
    expect(messages).toEqual([
      { role: "system", content: "First.\n\nSecond.\n\nThird." },
      user("Hello"),
      { role: "system", content: "Later." },
    ]);
    expect(names["messages[0]"]).toBe("instructions");
    expect(write(input).names["messages[0].content"]).toBe("input[0].content");
  });

  test("of one turn of the assistant are one: what it thought, said and called", () => {
    const input = [
      user("Hello"),
      thought("Hm."),
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Let me see.", annotations: [] }] },
      call("a"),
      call("b", "files"),
      output("a"),
      output("b"),
      { role: "assistant", content: "Done." },
      { role: "assistant", content: "Really." },
    ];
    const { messages, names } = write(input);
    expect(messages).toEqual([
      user("Hello"),
      {
        role: "assistant",
        content: "Let me see.",
        reasoning: "Hm.",
        tool_calls: [called("a"), called("b", "files__f")],
      },
      { role: "tool", content: "7", tool_call_id: "a" },
      { role: "tool", content: "7", tool_call_id: "b" },
      { role: "assistant", content: "Done." },
      { role: "assistant", content: "Really." },
    ]);
    expect(names).toMatchObject({
      "messages[1].reasoning": "input[1]",
      "messages[1].content": "input[2].content",
      "messages[1].tool_calls[1]": "input[4]",
      "messages[1].tool_calls[1].id": "input[4].call_id",
      "messages[3].tool_call_id": "input[6].call_id",
    });
  });

  test("of calls alone have no content; of reasoning alone an empty one", () => {
    expect(write([call("a")]).messages).toEqual([{ role: "assistant", content: null, tool_calls: [called("a")] }]);
    expect(write([thought("Hm.")]).messages).toEqual([{ role: "assistant", content: "", reasoning: "Hm." }]);
  });

  test("take the reasoning, else its summary, else nothing: what is encrypted is dropped", () => {
    const summary = [{ type: "summary_text", text: "In short." }];
    expect(write([{ ...thought("Hm."), summary }]).messages[0]).toHaveProperty("reasoning", "Hm.");
    expect(write([{ type: "reasoning", summary }]).messages[0]).toHaveProperty("reasoning", "In short.");
    expect(write([{ type: "reasoning", summary: [], encrypted_content: "x" }, user("Hi")]).messages).toEqual([
      user("Hi"),
    ]);
  });

  test("have custom tools' calls as those of functions of one text", () => {
    const custom = { type: "custom_tool_call", call_id: "a", name: "patch", input: 'say "x"' };
    const { messages } = write([custom, { type: "custom_tool_call_output", call_id: "a", output: "ok" }]);
    expect(messages).toMatchObject([
      { tool_calls: [{ id: "a", function: { name: "patch", arguments: '{"input":"say \\"x\\""}' } }] },
      { role: "tool", content: "ok", tool_call_id: "a" },
    ]);
  });

  test("keep pictures, by the chat's form, and more than one text apart", () => {
    const url = "data:image/png;base64,AA==";
    const content = [
      { type: "input_text", text: "What is this?" },
      { type: "input_image", image_url: url, detail: "original", file_id: null },
      { type: "input_image", image_url: url, detail: "low" },
    ];
    const { messages, names } = write([{ role: "user", content }]);
    expect(messages[0]?.["content"]).toEqual([
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url } },
      { type: "image_url", image_url: { url, detail: "low" } },
    ]);
    expect(names["messages[0].content[1].image_url.url"]).toBe("input[0].content[1].image_url");
    expect(write([{ role: "user", content: [] }]).messages).toEqual([user("")]);
    expect(write([{ role: "system", content: content.slice(1) }]).messages[0]).toMatchObject({ role: "system" });
  });

  test("leave out what nobody knows, and say so; what comes back with answers says nothing", () => {
    const ignored = new IgnoredMembers();
    const text = { type: "output_text", text: "Hi", annotations: [], logprobs: [], tone: "warm", file_id: null };
    const item = { role: "user", content: [text], id: "msg_1", status: "completed", phase: null, mood: "good" };
    write([item], undefined, ignored);
    expect(ignored.headers).toEqual({ "x-penstock-ignored": "input[].mood,input[].content[].tone" });
  });
});
