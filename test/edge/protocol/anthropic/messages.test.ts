import { describe, expect, test } from "vitest";
import { checkMessages, writeMessages, type SentMessage } from "#edge/protocol/anthropic/messages.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const text = (words: string) => ({ type: "text", text: words });
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw==" } };
const url = { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw==" } };
const call = { type: "tool_use", id: "call_1", name: "weather", input: { city: "Oslo" } };
const called = { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } };
const asked: SentMessage = { role: "user", content: "hi" };

const write = (messages: SentMessage[], system?: string | Record<string, unknown>[]) => {
  expect(checkMessages(messages)).toBeNull();
  return writeMessages({ system, messages }, undefined);
};
const chatOf = (...given: Parameters<typeof write>) => write(...given).messages.map(({ message }) => message);

describe("the form of messages", () => {
  const faults: [unknown, PropertyKey[]][] = [
    ["hi", []],
    [[], []],
    [[1], [0]],
    [[{ content: "" }], [0, "role"]],
    [[{ role: "tool", content: "" }], [0, "role"]],
    [[{ role: "user" }], [0, "content"]],
    [[{ role: "user", content: null }], [0, "content"]],
    [[{ role: "user", content: [] }], [0, "content"]],
    [
      [asked, { role: "user", content: [{ type: "image", source: { type: "url" } }] }],
      [1, "content", 0, "source"],
    ],
    [Array.from({ length: 2_049 }, () => asked), []],
  ];
  test.each(faults)("%j is at fault at %j", (messages, path) =>
    expect(checkMessages(messages)).toMatchObject({ path }),
  );
});

describe("messages of a chat", () => {
  const cases: [string, SentMessage[], object[]][] = [
    ["text is text", [asked], [{ role: "user", content: "hi" }]],
    ["a block of text is text", [{ role: "user", content: [text("a")] }], [{ role: "user", content: "a" }]],
    [
      "several blocks are parts, in their order",
      [{ role: "user", content: [text("a"), image] }],
      [{ role: "user", content: [text("a"), url] }],
    ],
    [
      "an answer's thoughts are its reasoning, and sealed ones are left out",
      [
        asked,
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "s" },
            { type: "redacted_thinking", data: "x" },
            text("a"),
            text("b"),
          ],
        },
        asked,
      ],
      [
        { role: "user", content: "hi" },
        { role: "assistant", content: "ab", reasoning: "hm" },
        { role: "user", content: "hi" },
      ],
    ],
    [
      "calls and results of tools; results stand before what else is said, pictures in them behind all results",
      [
        asked,
        { role: "assistant", content: [call] },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call_1", content: [text("-3"), image, text("snow")] },
            text("and?"),
            { type: "tool_result", tool_use_id: "call_2", content: "gone", is_error: true },
            { type: "tool_result", tool_use_id: "call_3" },
          ],
        },
      ],
      [
        { role: "user", content: "hi" },
        { role: "assistant", content: null, tool_calls: [called] },
        { role: "tool", tool_call_id: "call_1", content: "-3\nsnow" },
        { role: "tool", tool_call_id: "call_2", content: "Error: gone" },
        { role: "tool", tool_call_id: "call_3", content: "" },
        { role: "user", content: [url, text("and?")] },
      ],
    ],
    [
      "only results are no message of the user's",
      [{ role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: "x" }] }],
      [{ role: "tool", tool_call_id: "a", content: "x" }],
    ],
    [
      "a system message in between stays where it is",
      [asked, { role: "system", content: [text("be short")] }],
      [
        { role: "user", content: "hi" },
        { role: "system", content: "be short" },
      ],
    ],
    ["a member that nobody knows does not go on", [{ ...asked, strange: 1 }], [{ role: "user", content: "hi" }]],
  ];
  test.each(cases)("%s", (_, messages, chat) => expect(chatOf(messages)).toEqual(chat));

  test("begin with the system prompt", () => {
    expect(chatOf([asked], "be kind")[0]).toEqual({ role: "system", content: "be kind" });
    expect(chatOf([asked], [{ ...text("a"), cache_control: { type: "ephemeral" } }, text("b")])[0]).toEqual({
      role: "system",
      content: [text("a"), text("b")],
    });
  });
});

describe("blocks that may not stand where they do are refused by their place", () => {
  const document = { type: "document", source: {} };
  const cases: [SentMessage[], string][] = [
    [[{ role: "user", content: [text("a"), document] }], "messages[0].content[1].type"],
    [[{ role: "user", content: [call] }], "messages[0].content[0].type"],
    [[asked, { role: "assistant", content: [image] }], "messages[1].content[0].type"],
    [[asked, { role: "assistant", content: [{ type: "server_tool_use" }] }], "messages[1].content[0].type"],
    [[{ role: "system", content: [image] }], "messages[0].content[0].type"],
    [
      [{ role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: [text(""), document] }] }],
      "messages[0].content[0].content[1].type",
    ],
    [[{ ...asked, tool_calls: [] }], "messages[0].tool_calls"],
    [[{ ...asked, reasoning: "x" }], "messages[0].reasoning"],
  ];
  test.each(cases)("%j: %s", async (messages, param) => {
    await expectRefusal(() => write(messages), "unsupported_parameter", param);
  });

  test("the system prompt is text", async () => {
    await expectRefusal(() => write([asked], [text("a"), image]), "unsupported_parameter", "system[1].type");
  });
});

describe("an answer that has begun", () => {
  test("is gone on with; one that is empty has not begun", () => {
    expect(write([asked])).toMatchObject({ isContinued: false });
    expect(write([asked, { role: "assistant", content: "Once" }])).toMatchObject({ isContinued: true });
    for (const content of ["", []]) {
      const { messages, isContinued } = write([asked, { role: "assistant", content }]);
      expect([messages.length, isContinued]).toEqual([1, false]);
    }
  });

  test("has text to go on with: thoughts alone are refused, not left out", async () => {
    const thoughts = { type: "thinking", thinking: "hm" };
    const begun: SentMessage = { role: "assistant", content: [thoughts] };
    await expectRefusal(() => write([asked, begun]), "invalid_value", "messages[1].content");
    const { messages } = write([asked, { ...begun, content: [thoughts, text("Once")] }]);
    expect(messages[1]?.message).toMatchObject({ content: "Once", reasoning: "hm" });
  });

  test("by the call of a tool waits for its result", async () => {
    await expectRefusal(
      () => write([asked, { role: "assistant", content: [text("a"), call] }]),
      "invalid_value",
      "messages[1].content[1]",
    );
  });
});

test("each message knows the caller's names for what it is made of", () => {
  const { messages } = write(
    [asked, { role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: [image] }, text("x")] }],
    "be kind",
  );
  expect(messages.map(({ path, content, parts, calls }) => ({ path, content, parts, calls }))).toEqual([
    { path: "system", content: "system", parts: ["system"], calls: [] },
    { path: "messages[0]", content: "messages[0].content", parts: [], calls: [] },
    { path: "messages[1].content[0]", content: "messages[1].content[0].content", parts: [], calls: [] },
    {
      path: "messages[1]",
      content: "messages[1].content",
      parts: ["messages[1].content[0].content[0]", "messages[1].content[1]"],
      calls: [],
    },
  ]);
});
