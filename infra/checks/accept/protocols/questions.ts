import type { JsonObject } from "#edge/agreements/json.ts";
import { thoughts } from "./thoughts.ts";

/** The protocols that vLLM serves by itself, and that Penstock translates. */
export const nativeProtocols = ["responses", "messages"] as const;
export type NativeProtocol = (typeof nativeProtocols)[number];

/** One question that is sent to both. */
export interface Question {
  protocol: NativeProtocol;
  name: string;
  body: JsonObject;
  /** An answer, or a refusal; by vLLM and by Penstock alike, or the list of differences has it. */
  ends: "answered" | "refused";
  /** It goes to the server that thinks (thought-parser.py). */
  isThought?: boolean;
  /** Beyond what is recorded, since it is long. */
  isUnrecorded?: boolean;
}

const model = "Qwen/Qwen2.5-7B-Instruct";
const hello = "Hello, how are you?";
const story = "Tell me a story";

const weather = {
  type: "object",
  properties: { city: { type: "string", enum: ["Paris", "Rome"] } },
  required: ["city"],
  additionalProperties: false,
};
const mood = {
  type: "object",
  properties: { ok: { type: "boolean" }, mood: { type: "string", enum: ["good", "bad"] } },
  required: ["ok", "mood"],
  additionalProperties: false,
};
/** Nine times the context of the tiny model, and less than ours lets in by its bytes. */
const tooLong = "12345678 ".repeat(1_500);
/** One red pixel. */
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

const tool = {
  type: "function",
  name: "get_weather",
  description: "The weather in a city",
  parameters: weather,
  strict: true,
};
const call = { type: "function_call", call_id: "call_1", name: "get_weather", arguments: '{"city":"Paris"}' };
const result = { type: "function_call_output", call_id: "call_1", output: "Rain" };

const responses: Record<Question["ends"], Record<string, JsonObject>> = {
  answered: {
    "plain text, cut by its bound": { input: hello, max_output_tokens: 6 },
    "no bound: to the end of the context": { input: `${story} ${"house ".repeat(1_850)}` },
    instructions: { input: hello, instructions: "Be brief.", max_output_tokens: 6 },
    "several turns, with parts": {
      input: [
        { role: "system", content: "Be brief." },
        { role: "user", content: story },
        {
          type: "message",
          id: "msg_1",
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: "Well.", annotations: [] }],
        },
        { type: "message", role: "user", content: [{ type: "input_text", text: "And now?" }] },
      ],
      max_output_tokens: 6,
    },
    "settings and notes": {
      input: hello,
      max_output_tokens: 6,
      top_p: 0.9,
      metadata: { of: "mine" },
      user: "somebody",
      truncation: "disabled",
      prompt_cache_key: "mine",
      parallel_tool_calls: false,
    },
    "reasoning that the model has not": { input: hello, max_output_tokens: 6, reasoning: { effort: "low" } },
    "tools that may be called": { input: hello, max_output_tokens: 6, tools: [tool] },
    "a tool that must be called": { input: hello, max_output_tokens: 60, tools: [tool], tool_choice: "required" },
    "a tool by its name": {
      input: hello,
      max_output_tokens: 60,
      tools: [tool],
      tool_choice: { type: "function", name: "get_weather" },
    },
    "a call cut by its bound": { input: hello, max_output_tokens: 12, tools: [tool], tool_choice: "required" },
    "tools that must not be called": { input: hello, max_output_tokens: 6, tools: [tool], tool_choice: "none" },
    "what came of a call": {
      input: [{ role: "user", content: hello }, call, result],
      max_output_tokens: 6,
      tools: [tool],
    },
    "JSON of a schema": {
      input: hello,
      max_output_tokens: 60,
      text: { format: { type: "json_schema", name: "answer", schema: mood, strict: true } },
    },
    "JSON of any form": { input: hello, max_output_tokens: 12, text: { format: { type: "json_object" } } },
    "log-probabilities": {
      input: hello,
      max_output_tokens: 4,
      include: ["message.output_text.logprobs"],
      top_logprobs: 2,
    },
    "a text that ends it": { input: hello, max_output_tokens: 30, stop: ["e", "a", "o"] },
  },
  refused: {
    "no input": {},
    "a bad member": { input: hello, temperature: "hot" },
    "a bound below one": { input: hello, max_output_tokens: 0 },
    "an unknown model": { input: hello, model: "nobody" },
    "longer than the context": { input: tooLong },
    "an item of no type": { input: [{ type: "hologram" }] },
    "an unknown earlier answer": { input: hello, previous_response_id: "resp_unknown" },
    "a tool that is not there": { input: hello, tool_choice: "required" },
    "a schema that is none": {
      input: hello,
      text: { format: { type: "json_schema", name: "x", schema: { type: "nonsense" }, strict: true } },
    },
    "a picture for a model of text": {
      input: [
        {
          role: "user",
          content: [{ type: "input_image", detail: "auto", image_url: `data:image/png;base64,${pixel}` }],
        },
      ],
    },
  },
};

const anthropicTool = {
  name: "get_weather",
  description: "The weather in a city",
  input_schema: weather,
  strict: true,
};
const use = { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Paris" } };
const said = (content: unknown) => [{ role: "user", content }];

const messages: Record<Question["ends"], Record<string, JsonObject>> = {
  answered: {
    "plain text, cut by its bound": { messages: said(hello), max_tokens: 6 },
    "a system prompt": { messages: said(hello), max_tokens: 6, system: "Be brief." },
    "several turns, with blocks": {
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      messages: [
        { role: "user", content: story },
        { role: "assistant", content: [{ type: "text", text: "Well." }] },
        { role: "user", content: [{ type: "text", text: "And now?" }] },
      ],
      max_tokens: 6,
    },
    "settings and notes": {
      messages: said(hello),
      max_tokens: 6,
      top_p: 0.9,
      top_k: 20,
      metadata: { user_id: "somebody" },
    },
    "thinking that the model has not": {
      messages: said(hello),
      max_tokens: 1_100,
      thinking: { type: "enabled", budget_tokens: 1_024 },
      stop_sequences: ["e", "a", "o"],
    },
    "tools that may be called": { messages: said(hello), max_tokens: 6, tools: [anthropicTool] },
    "a tool that must be called": {
      messages: said(hello),
      max_tokens: 60,
      tools: [anthropicTool],
      tool_choice: { type: "any" },
    },
    "a tool by its name": {
      messages: said(hello),
      max_tokens: 60,
      tools: [anthropicTool],
      tool_choice: { type: "tool", name: "get_weather" },
    },
    "a call cut by its bound": {
      messages: said(hello),
      max_tokens: 12,
      tools: [anthropicTool],
      tool_choice: { type: "any" },
    },
    "tools that must not be called": {
      messages: said(hello),
      max_tokens: 6,
      tools: [anthropicTool],
      tool_choice: { type: "none" },
    },
    "what came of a call": {
      messages: [
        { role: "user", content: hello },
        { role: "assistant", content: [use] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "Rain" }] },
      ],
      max_tokens: 6,
      tools: [anthropicTool],
    },
    "JSON of a schema": {
      messages: said(hello),
      max_tokens: 60,
      output_config: { format: { type: "json_schema", schema: mood } },
    },
    "an answer that has begun": {
      messages: [...said(story), { role: "assistant", content: "Once upon" }],
      max_tokens: 6,
    },
    "a text that ends it": { messages: said(hello), max_tokens: 30, stop_sequences: ["e", "a", "o"] },
  },
  refused: {
    "no messages": { max_tokens: 6 },
    "no bound": { messages: said(hello) },
    "a bad member": { messages: said(hello), max_tokens: 6, temperature: "hot" },
    "a bound below one": { messages: said(hello), max_tokens: 0 },
    "an unknown model": { messages: said(hello), max_tokens: 6, model: "nobody" },
    "longer than the context": { messages: said(tooLong), max_tokens: 6 },
    "a block of no type": { messages: said([{ type: "hologram" }]), max_tokens: 6 },
    "a tool that is not there": { messages: said(hello), max_tokens: 6, tool_choice: { type: "any" } },
    "a schema that is none": {
      messages: said(hello),
      max_tokens: 6,
      output_config: { format: { type: "json_schema", schema: { type: "nonsense" } } },
    },
    "a picture for a model of text": {
      messages: said([{ type: "image", source: { type: "base64", media_type: "image/png", data: pixel } }]),
      max_tokens: 6,
    },
  },
};

/** What the tables have; greedy, so that the same question has the same answer. */
function listQuestions(
  protocol: NativeProtocol,
  table: Record<Question["ends"], Record<string, JsonObject>>,
): Question[] {
  return (["answered", "refused"] as const).flatMap((ends) =>
    Object.entries(table[ends]).map(([name, fields]): Question => {
      const body = { model, temperature: 0, ...fields };
      return { protocol, name, body, ends, isUnrecorded: JSON.stringify(body).length > 4_000 };
    }),
  );
}

function listThoughts(protocol: NativeProtocol): Question[] {
  const table = { answered: thoughts[protocol], refused: {} };
  return listQuestions(protocol, table).map((question) => ({ ...question, isThought: true }));
}

/** Every question, of both protocols. */
export const questions: readonly Question[] = [
  ...listQuestions("responses", responses),
  ...listThoughts("responses"),
  ...listQuestions("messages", messages),
  ...listThoughts("messages"),
];
