import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseExact } from "#edge/agreements/exact-json.ts";
import { isObject, type JsonObject } from "#edge/agreements/json.ts";
import { Refusal } from "#edge/errors.ts";
import { readParsedBody } from "#edge/protocol/openai/read-body.ts";
import { translateResponses } from "#edge/protocol/openai/responses/translate.ts";
import { modelOf } from "#test/support/fakes/models.ts";
import { expectRefusal, refusedBy } from "#test/support/fakes/refused.ts";

const headers = new Headers();
const least = { model: "chat", input: "Hello" };
const translate = (over: JsonObject = {}) => translateResponses({ json: { ...least, ...over }, exact: null, headers });
const models = [modelOf({ mediaTokensMax: { image: 1_024 } })];

/** All that the edge does to read a body: as OpenAI's, and then as a chat's, told by the caller's names. */
function readWhole(json: unknown): Refusal | null {
  try {
    const { json: chat, exact, rename } = translateResponses({ json, exact: null, headers });
    try {
      readParsedBody("chat.completions", { json: chat, exact }, models);
    } catch (failure) {
      if (failure instanceof Refusal && failure.details.param !== undefined) rename(failure.details.param);
      throw failure;
    }
    return null;
  } catch (failure) {
    if (failure instanceof Refusal) return failure;
    throw failure;
  }
}

describe("with storage", () => {
  const earlier: JsonObject[] = [
    { type: "message", role: "user", content: [{ type: "input_text", text: "One?" }], strange: true },
    { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "hm" }] },
    { type: "message", role: "assistant", content: [{ type: "output_text", text: "1", logprobs: [] }] },
  ];
  const stored = { type: "message", id: "msg_9", role: "assistant", content: "stored" };
  const found = { earlier, referenced: new Map([["msg_9", stored]]), isStored: true };
  const read = (over: JsonObject = {}, recalled = found) =>
    translateResponses({ json: { ...least, ...over }, exact: null, headers, recalled });
  const messagesIn = (json: unknown) => (isObject(json) ? json["messages"] : null);

  test("earlier items come between the call's own instructions and its input, and are as if sent with it", () => {
    const { json, answer, kept, ignored } = read({ instructions: "Be brief.", previous_response_id: "resp_1" });
    const whole = translate({ instructions: "Be brief.", input: [...earlier, { role: "user", content: "Hello" }] });
    expect(json).toEqual(whole.json);
    expect(messagesIn(json)).toMatchObject([
      { role: "system", content: "Be brief." },
      { role: "user", content: "One?" },
      { role: "assistant", content: "1", reasoning: "hm" },
      { role: "user", content: "Hello" },
    ]);
    expect(answer).toEqual({ instructions: "Be brief.", store: true, previous_response_id: "resp_1" });
    const input = [{ type: "message", role: "user", content: [{ type: "input_text", text: "Hello" }] }];
    expect(kept).toEqual({ input, previous: "resp_1" });
    expect(ignored?.headers).toEqual({});
  });

  test("an item that refers to a stored one is that one, also in what is kept", () => {
    const input = [{ type: "item_reference", id: "msg_9" }];
    const { json, kept } = read({ input }, { ...found, earlier: [] });
    expect(messagesIn(json)).toEqual([{ role: "assistant", content: "stored" }]);
    expect(kept).toEqual({ input: [stored], previous: null });
  });

  test("what is wrong with earlier items is told by the member that brought them", async () => {
    const image = [{ role: "user", content: [{ type: "input_image", image_url: "ftp://x" }] }];
    const { json, exact, rename } = read({ previous_response_id: "resp_1" }, { ...found, earlier: image });
    const refusal = await refusedBy(() => readParsedBody("chat.completions", { json, exact }, models));
    expect(rename(refusal.details.param ?? "")).toBe("previous_response_id");
  });

  test("a call that is not stored keeps nothing, and numbers are written as they came", () => {
    const { answer, kept } = read({ store: false }, { ...found, isStored: false });
    expect([answer, kept]).toEqual([{}, undefined]);
    const exact = parseExact('{"model":"chat","input":"Hello","temperature":0.12345678901234567890}');
    const json = { ...least, temperature: 0.12345678901234568 };
    const { exact: written } = translateResponses({
      json,
      exact: isObject(exact) ? exact : null,
      headers,
      recalled: found,
    });
    expect(messagesIn(written)).toHaveLength(3);
  });
});

describe("a body of the Responses API", () => {
  test("is a chat's under the chat's names", () => {
    const { json, answer } = translate({
      instructions: "Be brief.",
      max_output_tokens: 7,
      text: { format: { type: "json_schema", name: "x", schema: { type: "object" } }, verbosity: "low" },
      reasoning: { effort: "low", summary: "auto" },
      tools: [{ type: "function", name: "f", parameters: null, strict: null }],
      tool_choice: "auto",
      parallel_tool_calls: false,
      include: ["message.output_text.logprobs", "reasoning.encrypted_content"],
      top_logprobs: 2,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      stream: true,
      store: false,
      metadata: { a: "b" },
      user: "u",
      prompt_cache_key: "k",
      truncation: "disabled",
      service_tier: "auto",
      stream_options: { include_obfuscation: false },
      chat_template_kwargs: { enable_thinking: true },
    });
    expect(json).toEqual({
      model: "chat",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hello" },
      ],
      max_completion_tokens: 7,
      response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } },
      reasoning_effort: "low",
      tools: [{ type: "function", function: { name: "f" } }],
      tool_choice: "auto",
      parallel_tool_calls: false,
      logprobs: true,
      top_logprobs: 2,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      stream: true,
      metadata: { a: "b" },
      user: "u",
      prompt_cache_key: "k",
      chat_template_kwargs: { enable_thinking: true },
    });
    expect(Object.keys(answer ?? {}).toSorted()).toEqual(
      "instructions max_output_tokens metadata parallel_tool_calls prompt_cache_key reasoning temperature text"
        .split(" ")
        .concat("tool_choice", "tools", "top_logprobs", "top_p", "user"),
    );
    expect(translate().answer).toEqual({});
  });

  test("of what clients send by default is taken: nothing about storing, or that nothing is stored", () => {
    for (const over of [{}, { store: false }, { store: null }, { previous_response_id: null, background: false }])
      expect(translate(over).json).toEqual({ model: "chat", messages: [{ role: "user", content: "Hello" }] });
  });

  test.each<[JsonObject, string, string?]>([
    [{ store: true }, "store"],
    [{ previous_response_id: "resp_x" }, "previous_response_id"],
    [{ conversation: { id: "conv_x" } }, "conversation"],
    [{ prompt: { id: "pmpt_x" } }, "prompt"],
    [{ background: true }, "background"],
    [{ truncation: "auto" }, "truncation"],
    [{ context_management: [{ type: "compaction" }] }, "context_management"],
    [{ max_tokens: 4 }, "max_tokens"],
    [{ messages: [{ role: "user", content: "x" }] }, "messages"],
    [{ response_format: { type: "json_object" } }, "response_format"],
    [{ n: 2 }, "n"],
    [{ prompt_logprobs: 1 }, "prompt_logprobs"],
    [{ include: ["everything"] }, "include[0]", "invalid_value"],
    [{ top_logprobs: 3 }, "top_logprobs", "invalid_value"],
    [{ metadata: { a: 7 } }, "metadata.a", "invalid_value"],
    [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [at, ""])) }, "metadata", "invalid_value"],
    [{ instructions: ["x"] }, "instructions", "invalid_value"],
    [{ user: 7 }, "user", "invalid_value"],
    [{ input: null }, "input", "invalid_value"],
    [{ model: "" }, "model", "invalid_value"],
  ])("with %j is refused, and the member is named", async (over, param, code = "unsupported_parameter") => {
    await expectRefusal(() => translate(over), code as "invalid_value", param);
  });

  test("has its members' own names wherever a chat's are at fault", () => {
    const { rename } = translate({
      instructions: "x",
      input: [
        { role: "user", content: [{ type: "input_text", text: "a" }, { type: "input_file" }] },
        { type: "function_call", call_id: "c", name: "f", arguments: "" },
      ],
      tools: [{ type: "namespace", name: "n", tools: [{ type: "function", name: "f" }] }],
    });
    const names = {
      messages: "input",
      max_tokens: "max_output_tokens",
      max_completion_tokens: "max_output_tokens",
      "response_format.json_schema.schema.properties": "text.format.schema.properties",
      reasoning_effort: "reasoning.effort",
      "messages[0].content": "instructions",
      "messages[1].content[1].type": "input[0].content[1].type",
      "messages[2].tool_calls[0].function.name": "input[1].name",
      "tools[0].function.parameters": "tools[0].tools[0].parameters",
      "tool_choice.function.name": "tool_choice.name",
      temperature: "temperature",
    };
    for (const [chat, own] of Object.entries(names)) expect([chat, rename(chat)]).toEqual([chat, own]);
  });

  test("keeps digits that a double cannot, where they are written", () => {
    const text = `{"model":"chat","input":"x","temperature":0.10,"tools":[{"type":"function","name":"f",
      "parameters":{"type":"object","properties":{"a":{"type":"number","const":1.10}}}}]}`;
    const exact = parseExact(text);
    if (!isObject(exact)) throw new TypeError("no object");
    const sent = translateResponses({ json: JSON.parse(text), exact, headers });
    const { body } = readParsedBody("chat.completions", sent, models);
    expect(JSON.stringify(body)).toContain('"const":1.10');
    expect(JSON.stringify(body)).toContain('"temperature":0.10');
  });

  test("names what was not translated", () => {
    const { ignored } = translate({ brand_new: 1, reasoning: { effort: "low", mode: "x" } });
    expect(ignored?.headers).toEqual({ "x-penstock-ignored": "brand_new,reasoning.mode" });
  });
});

const part = fc.oneof(
  fc.record({ type: fc.constantFrom("input_text", "output_text", "text"), text: fc.string() }),
  fc.record({ type: fc.constant("input_image"), image_url: fc.constant("data:image/png;base64,AA==") }),
);
const content = fc.oneof(fc.string(), fc.array(part, { maxLength: 3 }));
const item = fc.oneof(
  fc.record({ role: fc.constantFrom("user", "assistant", "system", "developer"), content }),
  fc.record({
    type: fc.constant("function_call"),
    call_id: fc.constantFrom("a", "b"),
    name: fc.constant("f"),
    arguments: fc.string(),
  }),
  fc.record({ type: fc.constant("function_call_output"), call_id: fc.constantFrom("a", "b"), output: content }),
  fc.record({
    type: fc.constant("custom_tool_call"),
    call_id: fc.constant("c"),
    name: fc.constant("p"),
    input: fc.string(),
  }),
  fc.record({
    type: fc.constant("reasoning"),
    summary: fc.constant([]),
    content: fc.array(fc.record({ type: fc.constant("reasoning_text"), text: fc.string() }), { maxLength: 2 }),
  }),
);
const body = fc.record(
  {
    model: fc.constant("chat"),
    input: fc.oneof(fc.string(), fc.array(item, { minLength: 1, maxLength: 5 })),
    instructions: fc.string(),
    stream: fc.boolean(),
    max_output_tokens: fc.integer({ min: 1, max: 100 }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    tools: fc.array(
      fc.oneof(
        fc.record({ type: fc.constant("function"), name: fc.constantFrom("f", "g"), parameters: fc.constant({}) }),
        fc.record({ type: fc.constant("custom"), name: fc.constantFrom("p", "q") }),
      ),
      { maxLength: 2 },
    ),
    tool_choice: fc.constantFrom("auto", "none", { type: "function", name: "f" }),
    text: fc.constantFrom({ format: { type: "text" } }, { format: { type: "json_schema", name: "x", schema: {} } }),
    reasoning: fc.record({ effort: fc.constantFrom("low", "high") }),
    include: fc.constant(["message.output_text.logprobs"]),
    metadata: fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), { maxKeys: 2 }),
  },
  { requiredKeys: ["model", "input"] },
);

/** Puts a value in the place of another, somewhere in a body: what is at fault may be anything, anywhere. */
function damage(value: unknown, [at = 0, ...path]: number[], by: unknown): unknown {
  if (Array.isArray(value) && value.length > 0)
    return value.map((one, index) => (index === at % value.length ? damage(one, path, by) : one));
  if (!isObject(value) || Object.keys(value).length === 0) return by;
  const names = Object.keys(value);
  const name = names[at % names.length] ?? "";
  return { ...value, [name]: path.length === 0 ? by : damage(value[name], path, by) };
}

describe("whatever is sent", () => {
  const runs = { numRuns: 10_000 };

  test("ends in a call or in a refusal of the 400s, and in nothing else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.constant("{}")), (text) => {
        const refusal = readWhole(JSON.parse(text));
        expect(refusal?.status ?? 400).toBe(400);
      }),
      runs,
    );
  });

  test("with damage anywhere, too", () => {
    const by = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("__proto__", "item_reference", -1, 1e308, null));
    fc.assert(
      fc.property(body, fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }), by, (sent, path, what) => {
        const refusal = readWhole(damage(sent, path, what));
        expect([400, 404]).toContain(refusal?.status ?? 400);
      }),
      runs,
    );
  });

  test("without damage is refused for a choice or a name of tools, or for saying nothing, alone", () => {
    let taken = 0;
    fc.assert(
      fc.property(body, (sent) => {
        const refusal = readWhole(sent);
        if (refusal === null) taken++;
        else expect(refusal.details.param).toMatch(/^tool_choice\.name$|^tools\[\d\]\.name$|^messages$/);
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(1_000);
  });
});
