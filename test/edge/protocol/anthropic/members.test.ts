import { describe, expect, test } from "vitest";
import { messagesMembers, MessagesRequest, parseMessages, pickExtras } from "#edge/protocol/anthropic/members.ts";
import { chatMembers } from "#edge/protocol/openai/members/chat.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";

const least = { model: "chat", max_tokens: 8, messages: [{ role: "user", content: "hi" }] };
const parse = (over: object = {}) => parseMessages({ ...least, ...over });

test("the model, the messages and how long the answer may be must be said", async () => {
  for (const name of ["model", "max_tokens", "messages"] as const) {
    const { [name]: _, ...rest } = least;
    await expectRefusal(() => parseMessages(rest), "invalid_value", name);
    await expectRefusal(() => parse({ [name]: null }), "invalid_value", name);
  }
  for (const body of [null, [], "x", 5]) await expectRefusal(() => parseMessages(body), "invalid_value");
});

describe("bounds", () => {
  const faults: [object, string][] = [
    [{ max_tokens: 0 }, "max_tokens"],
    [{ max_tokens: 1.5 }, "max_tokens"],
    [{ temperature: 1.1 }, "temperature"],
    [{ temperature: -0.1 }, "temperature"],
    [{ top_p: 0 }, "top_p"],
    [{ top_k: -1 }, "top_k"],
    [{ system: 5 }, "system"],
    [{ system: [{ type: "text" }] }, "system[0].text"],
    [{ stop_sequences: "x" }, "stop_sequences"],
    [{ stop_sequences: ["a", ""] }, "stop_sequences[1]"],
    [{ stop_sequences: Array.from({ length: 17 }, () => "a") }, "stop_sequences"],
    [{ stream: "yes" }, "stream"],
    [{ thinking: { type: "on" } }, "thinking.type"],
    [{ thinking: { type: "enabled", budget_tokens: 1_000 } }, "thinking.budget_tokens"],
    [{ output_config: { effort: "some" } }, "output_config.effort"],
    [{ output_config: { format: { type: "json_schema" } } }, "output_config.format.schema"],
    [{ tool_choice: { type: "tool" } }, "tool_choice.name"],
    [{ tools: [{ name: "a" }] }, "tools[0].input_schema"],
    [{ seed: "x" }, "seed"],
    [
      { messages: [{ role: "user", content: [{ type: "image", source: { type: "url" } }] }] },
      "messages[0].content[0].source",
    ],
  ];
  test.each(faults)("%j: %s", async (over, param) => {
    await expectRefusal(() => parse(over), "invalid_value", param);
  });
});

describe("what would change the answer and cannot be had is refused by name, and by no other API's name", () => {
  const refusals: [object, string][] = [
    [{ container: "container_1" }, "container"],
    [{ mcp_servers: [{ type: "url" }] }, "mcp_servers"],
    [{ speed: "fast" }, "speed"],
    [{ inference_geo: "us" }, "inference_geo"],
    [{ n: 2 }, "n"],
    [{ stop: ["a"] }, "stop"],
    [{ logprobs: true }, "logprobs"],
    [{ response_format: { type: "json_object" } }, "response_format"],
    [{ max_completion_tokens: 5 }, "max_completion_tokens"],
    [{ continue_final_message: true }, "continue_final_message"],
  ];
  test.each(refusals)("%j", async (over, param) => {
    await expectRefusal(() => parse(over), "unsupported_parameter", param);
  });

  test("unless it asks for nothing", () => {
    const nothing = {
      container: null,
      mcp_servers: [],
      context_management: { edits: [{}] },
      speed: "standard",
      n: 1,
      stop: [],
    };
    const { body, others } = parse({ ...nothing, metadata: { user_id: "u" }, service_tier: "auto", cache_control: {} });
    expect([body, others]).toEqual([least, {}]);
  });
});

test("vLLM's ways to choose tokens go on, and what has no row here is left to the table of chats", () => {
  const strange = JSON.parse('{"__proto__":1,"nobody":2,"priority":3}');
  const { body, others } = parse({ seed: 5, min_p: 0.1, ignore_eos: true, ...strange, ["__proto__"]: 1 });
  expect(pickExtras(body)).toMatchObject({ seed: 5, min_p: 0.1, ignore_eos: true, logit_bias: undefined });
  expect(Object.keys(others).toSorted()).toEqual(["__proto__", "nobody", "priority"]);
});

test("whatever chats let through has a row here: nothing reaches an engine that nobody has thought of", () => {
  const let_through = Object.entries(chatMembers).filter(([, { fate }]) => fate === "forwarded" || fate === "ours");
  expect(let_through.map(([name]) => name).filter((name) => !(name in messagesMembers))).toEqual([]);
});

test("the API's document tells what is read, and what is refused it leaves out", () => {
  expect(() => MessagesRequest.parse(least)).not.toThrow();
  expect(Object.keys(MessagesRequest.shape)).toContain("thinking");
  expect(Object.keys(MessagesRequest.shape)).not.toContain("mcp_servers");
});
