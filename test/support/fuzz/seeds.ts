import type { Seeds } from "./schema-values.ts";

/** Values by members' names, as callers send them: whole lists, of whose items the fuzz makes others. */

const jsonSchemas = [
  { type: "object", properties: { a: { type: "integer", maximum: 9 } }, required: ["a"] },
  { anyOf: [{ type: "string", pattern: "^a+$" }, { enum: [1, "b", null] }] },
  { $ref: "#/$defs/x", $defs: { x: { type: "array", items: { $ref: "#/$defs/x" } } } },
  { type: "array", items: { const: "12345678901234567890" }, minItems: 1 },
];
const pixel = "iVBORw0KGgo=";
const dataUri = `data:image/png;base64,${pixel}`;
const call = { id: "call_1", type: "function", function: { name: "find", arguments: '{"a":1.0}' } };
const functions = [
  { type: "function", function: { name: "find", description: "Finds.", parameters: jsonSchemas[0], strict: true } },
  { type: "function", function: { name: "go" } },
];
const switches = [{ enable_thinking: true }, { thinking_budget: 1e21, chat_template: "x" }, { tools: [] }];
/** Names of models, most of them of one that the door has. */
export function seedModels(...right: readonly string[]): Seeds {
  return { model: [...Array<readonly string[]>(10).fill(right).flat(), "chat", "embed", "BAAI/bge-m3", "nobody"] };
}
const shared: Seeds = {
  type: ["text", "text", "input_text", "image_url", "image", "function", "tool_use", "json_schema"],
  name: ["find", "go", "a"],
  chat_template_kwargs: switches,
  documents: [[{ title: "T", text: "It rains." }, { text: "é" }]],
  logit_bias: [{ 5: 100, 17: -100 }],
  structured_outputs: [
    { json: jsonSchemas[0] },
    { regex: "[a-z]{2,64}" },
    { choice: ["a", "b"] },
    { grammar: "root ::= 'a'" },
  ],
  response_format: [
    { type: "json_object" },
    { type: "json_schema", json_schema: { name: "a", schema: jsonSchemas[0], strict: true } },
    { type: "structural_tag", structures: [{ begin: "<a>", schema: {}, end: "</a>" }], triggers: ["<a"] },
  ],
};

/** Of OpenAI's chats. */
export const chatSeeds: Seeds = {
  ...shared,
  messages: [
    [{ role: "user", content: "Hi" }],
    [
      { role: "system", content: [{ type: "text", text: "Be brief." }] },
      { role: "user", content: [{ type: "image_url", image_url: { url: dataUri, detail: "low" }, uuid: "u" }] },
      { role: "assistant", content: null, tool_calls: [call], reasoning: "Hm." },
      { role: "tool", tool_call_id: "call_1", content: "42" },
      { role: "user", content: [{ type: "input_audio", input_audio: { data: pixel, format: "wav" } }], name: "ann" },
    ],
  ],
  tools: [functions, []],
  tool_choice: [
    "auto",
    { type: "function", function: { name: "find" } },
    { type: "function", function: { name: "x" } },
  ],
};

/** Of prompts, inputs and what is ranked. */
export const plainSeeds: Seeds = {
  ...shared,
  prompt: ["Go on", ["a", "b"], Array<string>(20).fill("a"), [1, 2, 3], [[1], [2, 3]]],
  input: ["Hi", ["a", "b"], [1, 2, 3], [[1], [2, 3]]],
  documents: [
    ["a", { text: "b" }],
    ["x", "x"],
  ],
  query: ["q"],
  text_1: ["q", ["q"], ["q", "r"]],
  text_2: ["a", ["a", "b"]],
  tokens: [[1, 2, 3], []],
};

const item = (type: string, rest: object) => ({ type, ...rest });
/** Of OpenAI's responses. */
export const responsesSeeds: Seeds = {
  ...shared,
  input: [
    "Hi",
    [
      { role: "user", content: "Hi" },
      item("message", {
        role: "user",
        content: [
          { type: "input_text", text: "x" },
          { type: "input_image", image_url: dataUri },
        ],
      }),
      item("reasoning", { id: "rs_1", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] }),
      item("function_call", { call_id: "c", name: "find", arguments: "{}" }),
      item("function_call_output", { call_id: "c", output: "42" }),
      item("custom_tool_call", { call_id: "d", name: "patch", input: "x" }),
      item("custom_tool_call_output", { call_id: "d", output: [{ type: "input_text", text: "ok" }] }),
      item("item_reference", { id: "msg_1" }),
      item("message", { role: "assistant", content: [{ type: "output_text", text: "x", annotations: [] }] }),
    ],
  ],
  tools: [
    [
      { type: "function", name: "find", parameters: jsonSchemas[0], strict: false },
      { type: "custom", name: "patch", format: { type: "grammar", syntax: "lark", definition: "start: /a/" } },
      { type: "namespace", name: "mcp", tools: [{ type: "function", name: "go", parameters: {} }] },
      { type: "web_search" },
    ],
  ],
  tool_choice: [
    "required",
    { type: "function", name: "find" },
    { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "find" }] },
  ],
  text: [{ format: { type: "json_schema", name: "a", schema: jsonSchemas[1], strict: true } }, { verbosity: "low" }],
  reasoning: [{ effort: "low", summary: "auto" }, { effort: "enormous" }],
  include: [["message.output_text.logprobs"], ["reasoning.encrypted_content"]],
};

const image = { type: "image", source: { type: "base64", media_type: "image/png", data: pixel } };
/** Of Anthropic's messages. */
export const messagesSeeds: Seeds = {
  ...shared,
  messages: [
    [{ role: "user", content: "Hi" }],
    [
      { role: "user", content: [{ type: "text", text: "See", cache_control: { type: "ephemeral" } }, image] },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Hm.", signature: "s" },
          { type: "tool_use", id: "t", name: "find", input: { a: 1 } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "42" }, image], is_error: false },
        ],
      },
      { role: "assistant", content: "And so" },
    ],
  ],
  system: ["Be brief.", [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }]],
  tools: [
    [
      { name: "find", description: "Finds.", input_schema: jsonSchemas[0] },
      { type: "web_search_20250305", name: "web" },
    ],
  ],
  tool_choice: [{ type: "tool", name: "find" }, { type: "any", disable_parallel_tool_use: true }, { type: "none" }],
  thinking: [{ type: "enabled", budget_tokens: 1_024 }, { type: "adaptive", display: "omitted" }, { type: "disabled" }],
  output_config: [{ effort: "max", format: { type: "json_schema", schema: jsonSchemas[1] } }],
  max_tokens: [1, 7, 2_000],
};

/** Of Ollama's chats and generations. */
export const ollamaSeeds: Seeds = {
  ...shared,
  messages: [
    [{ role: "user", content: "Hi" }],
    [
      { role: "system", content: "Be brief." },
      { role: "user", content: "See", images: [pixel] },
      {
        role: "assistant",
        content: "",
        thinking: "Hm.",
        tool_calls: [{ function: { name: "find", arguments: { a: 1 } } }],
      },
      { role: "tool", content: "42", tool_name: "find" },
    ],
    [],
  ],
  tools: [functions],
  format: ["json", ...jsonSchemas],
  options: [
    { num_predict: -1 },
    { num_predict: -2, temperature: 0, seed: -1 },
    { stop: ["a"], num_ctx: 1e9 },
    { mirostat: 1 },
  ],
  images: [[pixel]],
  prompt: ["Hi", ""],
  keep_alive: [0, "5m", -1],
};
