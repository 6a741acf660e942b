import { describe, expect, test } from "vitest";
import { parseExact } from "#edge/agreements/exact-json.ts";
import { isObject } from "#edge/agreements/json.ts";
import { translateMessages } from "#edge/protocol/anthropic/translate.ts";
import { readCall } from "#edge/protocol/openai/call.ts";
import { modelOf, testModels } from "#test/support/fakes/models.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { posted, visitOf } from "#test/support/fakes/visit.ts";

const headers = new Headers();
const least = { model: "chat", max_tokens: 8, messages: [{ role: "user", content: "hi" }] };
const translate = (over: object = {}) => translateMessages({ json: { ...least, ...over }, exact: null, headers });
const read = (body: object | string, models = testModels) => readCall(visitOf(posted(body)), "messages", models);
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw==" } };
const weather = { name: "weather", input_schema: { type: "object" } };

describe("a call of the Messages API is a chat", () => {
  test("with no member more than it has", () => {
    expect(translate()).toMatchObject({ json: least, exact: null, answer: null });
    expect(Object.keys(translate().json ?? {}).toSorted()).toEqual(["max_tokens", "messages", "model"]);
  });

  const members: [object, object][] = [
    [
      { temperature: 1, top_p: 0.5, top_k: 5 },
      { temperature: 1, top_p: 0.5, top_k: 5 },
    ],
    [
      { stop_sequences: ["a"], stream: true },
      { stop: ["a"], stream: true },
    ],
    [{ tools: [weather], tool_choice: { type: "any" } }, { tool_choice: "required" }],
    [{ system: "be kind" }, { messages: [{ role: "system", content: "be kind" }, ...least.messages] }],
    [{ thinking: { type: "adaptive" } }, { chat_template_kwargs: { enable_thinking: true, thinking: true } }],
    [{ thinking: { type: "disabled" } }, { chat_template_kwargs: { enable_thinking: false, thinking: false } }],
    [
      { thinking: { type: "enabled", budget_tokens: 2_048 } },
      { chat_template_kwargs: { enable_thinking: true, thinking: true, thinking_budget: 2_048 } },
    ],
    [
      { thinking: { type: "enabled", display: "omitted" }, chat_template_kwargs: { thinking: false } },
      { include_reasoning: false, chat_template_kwargs: { enable_thinking: true, thinking: false } },
    ],
    [
      { output_config: { effort: "low", format: { type: "json_schema", schema: { type: "object" } } } },
      {
        reasoning_effort: "low",
        response_format: { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" } } },
      },
    ],
    [
      { messages: [...least.messages, { role: "assistant", content: "Once" }] },
      { continue_final_message: true, add_generation_prompt: false },
    ],
  ];
  test.each(members)("%j is %j", (over, chat) => expect(translate(over).json).toMatchObject(chat));

  test("and is bounded, priced and held as one", async () => {
    const call = await read({ ...least, system: "be kind", stream: true });
    expect(call).toMatchObject({
      path: "/v1/chat/completions",
      endpoint: "messages",
      completionTokens: 8,
      isStream: true,
    });
    expect(call.body).toMatchObject({ model: modelOf().id, max_tokens: 8 });
    expect(call.promptTokensMax).toBeGreaterThan(4);
  });

  test("and what nobody knows is named in its answer", async () => {
    const messages = [{ role: "user", content: [{ type: "text", text: "a", strange: 1 }] }];
    const call = await read({ ...least, messages, nobody: 1, tools: [{ ...weather, defer_loading: true }] });
    expect(call.ignored.headers["x-penstock-ignored"]?.split(",").toSorted()).toEqual([
      "messages[].content[].strange",
      "nobody",
      "tools[].defer_loading",
    ]);
    expect(JSON.stringify(call.body)).not.toMatch(/nobody|defer|strange/);
  });
});

describe("what the tables of chats refuse is told by the caller's own names", () => {
  const cases: [object, string][] = [
    [{ messages: [...least.messages, { role: "user", content: [image] }], system: "x" }, "messages[1].content[0].type"],
    [
      { messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "a", content: [image] }] }] },
      "messages[0].content[0].content[0].type",
    ],
    [{ tools: [{ ...weather, input_schema: { pattern: "a".repeat(600) } }] }, "tools[0].input_schema.pattern"],
    [{ max_tokens: 100_000 }, "max_tokens"],
    [{ model: "nobody" }, "model"],
    [{ messages: [{ role: "user", content: "a".repeat(3_000_000) }] }, "messages"],
  ];
  test.each(cases)("%#: %s", async (over, param) => {
    await expect(read({ ...least, ...over }, [modelOf()])).rejects.toMatchObject({ details: { param } });
  });

  test("every member of a message, a tool and the settings has its own name", () => {
    const { rename } = translate({
      system: "x",
      tools: [weather],
      messages: [
        { role: "user", content: [image, { type: "text", text: "a" }] },
        {
          role: "assistant",
          content: [
            { type: "text", text: "a" },
            { type: "tool_use", id: "i", name: "n" },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "i", content: "x" }] },
      ],
    });
    const names: Record<string, string> = {
      "messages[0].content": "system",
      "messages[1].content[0].image_url.url": "messages[0].content[0].source.url",
      "messages[1].content[1].text": "messages[0].content[1].text",
      "messages[2].tool_calls[0].function.name": "messages[1].content[1].name",
      "messages[2].tool_calls[0].id": "messages[1].content[1].id",
      "messages[3].content": "messages[2].content[0].content",
      "messages[3].tool_call_id": "messages[2].content[0].tool_use_id",
      "messages[9].role": "messages[9].role",
      "tools[0].function.parameters.type": "tools[0].input_schema.type",
      "tools[0].function.name": "tools[0].name",
      tools: "tools",
      stop: "stop_sequences",
      "stop[1]": "stop_sequences[1]",
      "response_format.json_schema.schema.type": "output_config.format.schema.type",
      temperature: "temperature",
    };
    expect(Object.fromEntries(Object.keys(names).map((param) => [param, rename(param)]))).toEqual(names);
  });
});

test("numbers that a double cannot keep reach the engine as they came: in schemas, and in a tool's input", async () => {
  const big = "12345678901234567890.10";
  const body =
    `{"model":"chat","max_tokens":8,"tools":[{"name":"a","input_schema":{"const":${big}}}],` +
    `"output_config":{"format":{"type":"json_schema","schema":{"type":"object","const":${big}}}},` +
    '"messages":[{"role":"user","content":"x"},' +
    `{"role":"assistant","content":[{"type":"tool_use","id":"i","name":"a","input":{"x":[${big}]}}]},` +
    '{"role":"user","content":[{"type":"tool_result","tool_use_id":"i"}]}]}';
  const call = await read(body);
  const sent = JSON.stringify(call.body);
  expect(sent.split(big)).toHaveLength(4);
  expect(sent).toContain(JSON.stringify(`{"x":[${big}]}`));
  const exact = parseExact(body);
  const { json } = translateMessages({ json: JSON.parse(body), exact: isObject(exact) ? exact : null, headers });
  expect(JSON.stringify(json)).toContain(JSON.stringify(`{"x":[${big}]}`));
});

test("a model that serves no chats serves no messages", async () => {
  await expectRefusal(() => read({ ...least, model: "embed" }), "invalid_value", "model");
});
