import { expect, test } from "vitest";
import { ignoredMax } from "#edge/limits.ts";
import { listIgnored } from "#edge/protocol/anthropic/ignored.ts";
import { parseMessages } from "#edge/protocol/anthropic/members.ts";

const namesOf = (over: object) => {
  const { body } = parseMessages({
    model: "chat",
    max_tokens: 8,
    messages: [{ role: "user", content: "hi" }],
    ...over,
  });
  return Object.values(listIgnored(body).headers).flatMap((names) => names.split(","));
};
const cached = { cache_control: { type: "ephemeral" }, nothing: null };

test("what is known, what says nothing, and what SDKs send back with an answer is not named", () => {
  expect(
    namesOf({
      system: [{ type: "text", text: "a", ...cached }],
      thinking: { type: "enabled", budget_tokens: 2_048, display: "omitted" },
      output_config: { effort: "low", format: { type: "json_schema", schema: {} } },
      tools: [{ name: "a", input_schema: { strange: 1 }, type: "custom", eager_input_streaming: true, ...cached }],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      messages: [
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "a", signature: "b" },
            { type: "redacted_thinking", data: "x" },
            { type: "text", text: "a", citations: null },
            { type: "tool_use", id: "i", name: "a", input: { strange: 1 }, caller: { type: "direct" } },
          ],
        },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "i", content: "x", is_error: false, ...cached }],
        },
      ],
    }),
  ).toEqual([]);
});

test("all else is named by its place, once", () => {
  expect(
    namesOf({
      system: [{ type: "text", text: "a", x: 1 }],
      thinking: { type: "adaptive", x: 1 },
      output_config: { task_budget: {}, format: { type: "json_schema", schema: {}, x: 1 } },
      tools: [{ name: "a", input_schema: {}, defer_loading: true, input_examples: [] }],
      tool_choice: { type: "auto", x: 1 },
      messages: [
        { role: "user", content: "a", x: 1 },
        { role: "user", content: "a", x: 2 },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "i", content: [{ type: "text", text: "a", x: 1 }] }],
        },
        { role: "user", content: [{ type: "text", text: "a", x: 1 }] },
      ],
    }),
  ).toEqual([
    "thinking.x",
    "output_config.task_budget",
    "output_config.format.x",
    "tool_choice.x",
    "tools[].defer_loading",
    "tools[].input_examples",
    "system[].x",
    "messages[].x",
    "messages[].content[].content[].x",
    "messages[].content[].x",
  ]);
});

test("no more are named than an answer tells", () => {
  const strange = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`x${at}`, 1]));
  expect(namesOf({ messages: [{ role: "user", content: "a", ...strange }] })).toHaveLength(ignoredMax);
});
