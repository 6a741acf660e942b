import { describe, expect, test } from "vitest";
import { IgnoredMembers } from "#edge/protocol/openai/members/member.ts";
import { checkMessages, keepMessages, keepNames, takes, type Message } from "#edge/protocol/openai/members/messages.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const textOnly = {};
const seeing = { mediaTokensMax: { image: 1_024 } };
const image = { type: "image_url", image_url: { url: "data:image/png;base64,AA" } };
const keep = (messages: Message[], model: Parameters<typeof takes>[0] = textOnly, ignored = new IgnoredMembers()) =>
  keepMessages(messages, model, ignored);

describe("messages are checked to the first fault", () => {
  const call = { id: "c", type: "function", function: { name: "f", arguments: "{}" } };
  test.each<[unknown, string | null]>([
    [[{ role: "user", content: "hi" }], null],
    [
      [
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: "c", content: "1" },
      ],
      null,
    ],
    [[{ role: "assistant", content: "x", refusal: null, anything: { deep: 1 } }], null],
    [[], ""],
    [[{ content: "x" }], "0.role"],
    [[{ role: "boss" }], "0.role"],
    [[{ role: "user", content: 1 }], "0.content"],
    [[{ role: "user", content: "x", name: "n".repeat(257) }], "0.name"],
    [[{ role: "assistant", tool_calls: [{ id: "c" }] }], "0.tool_calls.0.function"],
    [[{ role: "assistant", tool_calls: [{ ...call, type: "custom" }] }], "0.tool_calls.0.type"],
    [
      [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: {} } }] }],
      "0.tool_calls.0.function.arguments",
    ],
    [[{ role: "assistant", reasoning: 1 }], "0.reasoning"],
  ])("%j", (messages, path) => {
    expect(checkMessages(messages)?.path.join(".") ?? null).toBe(path);
  });
});

describe("what goes on of a message", () => {
  test("known members go on; strange ones are named once for all messages, and what SDKs send back is silent", () => {
    const ignored = new IgnoredMembers();
    const call = { id: "c", type: "function", function: { name: "f", arguments: "{}", x: 1 }, index: 0 };
    const sent = [
      { role: "user", content: "hi", name: "n", custom: 1 },
      { role: "assistant", content: null, refusal: "no", annotations: [], audio: null, custom: 2, tool_calls: [call] },
      { role: "assistant", content: "x", tool_calls: [], reasoning: "r" },
    ];
    expect(keep(sent, textOnly, ignored)).toEqual([
      { role: "user", content: "hi", name: "n" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "assistant", content: "x", reasoning: "r" },
    ]);
    expect(ignored.headers["x-penstock-ignored"]?.split(",")).toEqual([
      "messages[].custom",
      "messages[].tool_calls[].index",
      "messages[].tool_calls[].function.x",
    ]);
  });

  test("a message of known members and text is the very same, one with anything else is not", () => {
    const plain = { role: "user", content: "hi", name: "n" };
    expect(keep([plain])[0]).toBe(plain);
    for (const over of [{ content: null }, { content: [] }, { tool_calls: [] }, { x: 1 }, { name: null }])
      expect(keep([{ ...plain, ...over }])[0]).not.toBe(plain);
    const own: Message = JSON.parse('{"role":"user","content":"hi","__proto__":{"name":"x"}}');
    expect(Object.keys(keep([own])[0] ?? {})).toEqual(["role", "content"]);
  });

  test("what an engine would leave out is refused by its path", async () => {
    const user = { role: "user", content: "hi" };
    const refusals: [Message, string][] = [
      [{ role: "function", content: "1" }, "messages[1].role"],
      [{ role: "assistant", function_call: { name: "f" } }, "messages[1].function_call"],
      [{ role: "assistant", audio: { id: "a" } }, "messages[1].audio"],
      [{ role: "user", content: [image] }, "messages[1].content[0].type"],
      [{ role: "user", content: [{ type: "file", file: {} }] }, "messages[1].content[0].file"],
      [{ role: "assistant", content: [{ type: "thinking", thinking: "x" }] }, "messages[1].content[0].thinking"],
      [{ role: "tool", content: [{ type: "tool_reference", name: "x" }] }, "messages[1].content[0].tool_reference"],
      [
        { role: "user", content: [{ type: "video_embeds", video_embeds: "gASV" }] },
        "messages[1].content[0].video_embeds",
      ],
    ];
    for (const [message, param] of refusals)
      await expectRefusal(() => keep([user, message]), "unsupported_parameter", param);
    await expectRefusal(() => keep([{ role: "user", content: [{ type: "<b>" }] }], seeing), "unsupported_parameter");
  });

  test("a medium goes on where the model's record says what it may cost", () => {
    const sent = [{ role: "user", content: [{ type: "text", text: "a", x: 1 }, image] }];
    expect(keep(sent, seeing)).toEqual([{ role: "user", content: [{ type: "text", text: "a" }, image] }]);
    expect([takes(seeing, "image"), takes(seeing, "audio"), takes(textOnly, "text")]).toEqual([true, false, true]);
  });
});

test("an object with known names alone is the very same", () => {
  const others: string[] = [];
  const whole = { a: 1, b: 2 };
  expect(keepNames(whole, ["a", "b"])).toBe(whole);
  expect(keepNames({ ...whole, c: 3, d: null, b: null }, ["a", "b"], (name) => others.push(name))).toEqual({ a: 1 });
  expect(others).toEqual(["c"]);
});
