import type { JsonObject } from "#edge/agreements/json.ts";

const hello = "Hello, how are you?";
const said = { role: "user", content: hello };
const more = { role: "user", content: "And now?" };

const answer = { type: "output_text", text: "Well.", annotations: [] };
const messageItem = { type: "message", id: "msg_1", status: "completed", role: "assistant", content: [answer] };
const thought = {
  type: "reasoning",
  id: "rs_1",
  summary: [],
  content: [{ type: "reasoning_text", text: "I wonder." }],
};
const block = { type: "thinking", thinking: "I wonder.", signature: "0123456789abcdef" };

const parameters = { type: "object", properties: {}, additionalProperties: false };
const about = { name: "get_time", description: "The time" };

/** Questions to a model that thinks, by protocol; `refused` has none of its own. */
export const thoughts: Readonly<Record<"responses" | "messages", Record<string, JsonObject>>> = {
  responses: {
    "thoughts, then text": { input: hello, max_output_tokens: 8 },
    "thoughts, then text, with an effort": { input: hello, max_output_tokens: 8, reasoning: { effort: "low" } },
    "thoughts cut by their bound": { input: hello, max_output_tokens: 2 },
    "thoughts, with tools": {
      input: hello,
      max_output_tokens: 8,
      tools: [{ type: "function", strict: true, ...about, parameters }],
    },
    "thoughts that come back": { input: [said, thought, messageItem, more], max_output_tokens: 6 },
  },
  messages: {
    "thoughts, then text": { messages: [said], max_tokens: 8 },
    "thoughts that are wanted": { messages: [said], max_tokens: 8, thinking: { type: "adaptive" } },
    "thoughts that are not wanted": { messages: [said], max_tokens: 8, thinking: { type: "disabled" } },
    "thoughts cut by their bound": { messages: [said], max_tokens: 2 },
    "thoughts, with tools": { messages: [said], max_tokens: 8, tools: [{ ...about, input_schema: parameters }] },
    "thoughts that come back": {
      messages: [said, { role: "assistant", content: [block, { type: "text", text: "Well." }] }, more],
      max_tokens: 6,
    },
  },
};
