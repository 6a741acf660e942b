import { cohereRerankPath, endpointPaths } from "#edge/agreements/paths.ts";
import { sitePaths } from "#edge/doors/site-paths.ts";
import { both, sightModel, type Way } from "./way.ts";

const paths = {
  responses: endpointPaths.responses.edge,
  messages: endpointPaths.messages.edge,
  chat: endpointPaths["ollama.chat"].edge,
  generate: endpointPaths["ollama.generate"].edge,
};
const said = [{ role: "user", content: "Tell me a story of the mill" }];
const [reads, left] = [{ does: "reads" } as const, { does: "leaves", after: [1, 4, 9] } as const];
const whole = { forms: both, caller: reads, pays: "all" } as const;
const refused = { forms: both, caller: reads, pays: "nothing", status: 400 } as const;
const answered = { forms: ["whole"], caller: reads, pays: "nothing", status: 200 } as const;
const schema = { type: "object", properties: { city: { enum: ["Paris", "Rome"] } }, required: ["city"] };
/** As much of a PNG as tells that it is one. */
const pixel = "iVBORw0KGgo=";

const response = { model: "chat", input: "Tell me a story of the mill", max_output_tokens: 24, temperature: 1 };
const responseTool = { type: "function", name: "get_weather", parameters: schema };

/** What a caller of `/v1/responses` may try. */
export const waysOfResponses: readonly Way[] = [
  { name: "a response", path: paths.responses, body: response, ...whole, why: "a chat by another address" },
  {
    name: "a response with `instructions`, a tool and a schema for its text",
    path: paths.responses,
    body: {
      ...response,
      instructions: "Be brief.",
      tools: [responseTool],
      text: { format: { type: "json_schema", name: "city", schema } },
    },
    ...whole,
    why: "all that the template prints is prompt; the form changes nothing",
  },
  {
    name: "a tool that must be called, of a namespace or by its own text",
    path: paths.responses,
    body: {
      ...response,
      tools: [
        { type: "custom", name: "patch" },
        { type: "namespace", name: "mcp", tools: [responseTool] },
      ],
      tool_choice: "required",
    },
    ...whole,
    why: "what is shown of tools is prompt, the call is tokens",
  },
  {
    name: "pictures in the items of a response, one of them as a tool's output",
    path: paths.responses,
    body: {
      ...response,
      model: sightModel,
      input: [
        { role: "user", content: [{ type: "input_image", image_url: `data:image/png;base64,${pixel}` }] },
        { type: "function_call", call_id: "c", name: "look", arguments: "{}" },
        { type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: "a mill" }] },
      ],
    },
    ...whole,
    why: "a picture is as many tokens as the engine makes of it, wherever it stands",
  },
  {
    name: "one `prompt_cache_key` for the same prompt again",
    path: paths.responses,
    body: { ...response, prompt_cache_key: "mill" },
    ...whole,
    why: "what an engine has cached is prompt all the same",
  },
  {
    name: "two answers of one response",
    path: paths.responses,
    body: { ...response, n: 2 },
    ...refused,
    why: "there is one; refused before anything is held",
  },
  {
    name: "a response that goes on with a stored one",
    path: paths.responses,
    body: { ...response, previous_response_id: "resp_1" },
    ...refused,
    why: "nothing is stored, so there is no prompt that nobody sent",
  },
  {
    name: "a response, left",
    path: paths.responses,
    body: { ...response, max_output_tokens: 200, ignore_eos: true },
    forms: both,
    caller: left,
    pays: "made",
    why: "what the engine had sent by then",
  },
  {
    name: "one `Idempotency-Key` for a response",
    path: paths.responses,
    body: response,
    forms: both,
    caller: { does: "repeats", times: 3, isAtOnce: false },
    pays: "all",
    why: "one call, one charge",
  },
];

const message = { model: "chat", messages: said, max_tokens: 24, temperature: 1 };
const thinking = { ...message, model: sightModel, max_tokens: 1_030, stop_sequences: ["e"] };
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: pixel } };

/** What a caller of `/v1/messages` may try. */
export const waysOfMessages: readonly Way[] = [
  { name: "a message", path: paths.messages, body: message, ...whole, why: "a chat by another address" },
  {
    name: "a message that goes on with the assistant's own last words",
    path: paths.messages,
    body: { ...message, messages: [...said, { role: "assistant", content: "Once there was a" }] },
    ...whole,
    why: "what was begun is prompt",
  },
  {
    name: "thinking with a budget",
    path: paths.messages,
    body: { ...thinking, thinking: { type: "enabled", budget_tokens: 1_024 } },
    ...whole,
    why: "the budget is a part of `max_tokens`, which is held and bounds both",
  },
  {
    name: "thinking that is not shown",
    path: paths.messages,
    body: { ...thinking, thinking: { type: "adaptive", display: "omitted" } },
    ...whole,
    why: "it was made",
  },
  {
    name: "a budget beyond `max_tokens`",
    path: paths.messages,
    body: { ...message, thinking: { type: "enabled", budget_tokens: 100_000 } },
    ...whole,
    why: "no budget holds more than `max_tokens`",
  },
  {
    name: "marks for a cache, on every block",
    path: paths.messages,
    body: {
      ...message,
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      messages: [{ role: "user", content: [{ type: "text", text: "Go", cache_control: { type: "ephemeral" } }] }],
    },
    ...whole,
    why: "what was read from a cache is told apart, and is prompt all the same",
  },
  {
    name: "a picture in a message, and one in a tool's result",
    path: paths.messages,
    body: {
      ...message,
      model: sightModel,
      messages: [
        { role: "user", content: [image] },
        { role: "assistant", content: [{ type: "tool_use", id: "t", name: "look", input: { at: 1 } }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: [image] }] },
      ],
    },
    ...whole,
    why: "both are counted",
  },
  {
    name: "a tool of a message that must be called",
    path: paths.messages,
    body: { ...message, tools: [{ name: "get_weather", input_schema: schema }], tool_choice: { type: "any" } },
    ...whole,
    why: "tools are prompt; the tags of a call are tokens",
  },
  {
    name: "a message, left",
    path: paths.messages,
    body: { ...message, max_tokens: 200, ignore_eos: true },
    forms: both,
    caller: left,
    pays: "made",
    why: "what the engine had sent by then",
  },
];

const ollama = { model: "chat", messages: said, options: { num_predict: 24 } };
const generation = { model: "chat", prompt: "Tell me a story of the mill", options: { num_predict: 24 } };

/** What a client of Ollama's may try. */
export const waysOfOllama: readonly Way[] = [
  { name: "a chat of Ollama's", path: paths.chat, body: ollama, ...whole, why: "a chat by another address" },
  { name: "a generation", path: paths.generate, body: generation, ...whole, why: "the same of a prompt" },
  ...[-1, -2, 0].map((num_predict): Way => ({
    name: `\`num_predict\` of ${num_predict}`,
    path: paths.chat,
    body: { ...ollama, options: { num_predict, stop: ["e"] } },
    ...whole,
    why: "there is no answer without end: the model's default is held, and bounds it",
  })),
  {
    name: "`format` as a schema, and tools",
    path: paths.chat,
    body: {
      ...ollama,
      format: schema,
      tools: [{ type: "function", function: { name: "get_weather", parameters: schema } }],
    },
    ...whole,
    why: "tools are prompt; the form changes nothing",
  },
  {
    name: "pictures beside a message and a prompt",
    path: paths.generate,
    body: { ...generation, model: sightModel, images: [pixel, pixel] },
    ...whole,
    why: "each is counted",
  },
  {
    name: "`think` switched off where the model thinks all the same",
    path: paths.chat,
    body: { ...ollama, model: sightModel, think: false },
    ...whole,
    why: "what was made is paid, shown or not",
  },
  {
    name: "`truncate`, `shift` and a `num_ctx` of one's own",
    path: paths.chat,
    body: { ...ollama, truncate: true, shift: true, options: { num_predict: 24, num_ctx: 16, num_keep: 1 } },
    ...whole,
    why: "no prompt is cut, so all of it is read and paid",
  },
  {
    name: "`keep_alive` and no message",
    path: paths.chat,
    body: { model: "chat", keep_alive: "24h" },
    ...refused,
    status: 200,
    why: "no engine is asked; there is nothing to keep",
  },
  {
    name: "`keep_alive` and no prompt",
    path: paths.generate,
    body: { model: "chat", keep_alive: 0 },
    ...refused,
    status: 200,
    why: "the same",
  },
  {
    name: "a generation, left",
    path: paths.generate,
    body: {
      ...generation,
      options: { num_predict: 200 },
      format: { type: "array", minItems: 2_000 },
    },
    forms: both,
    caller: left,
    pays: "made",
    why: "what the engine had sent by then",
  },
  {
    name: "a batch of inputs",
    path: endpointPaths["ollama.embed"].edge,
    body: { model: "embed", input: ["The mill", "by the river", "The mill"] },
    ...whole,
    forms: ["whole"],
    why: "each input counts, also one that came before",
  },
  {
    name: "an input that `truncate` cuts",
    path: endpointPaths["ollama.embed"].edge,
    body: { model: "embed", input: "mill ".repeat(900), truncate: true },
    ...whole,
    forms: ["whole"],
    why: "what the engine read, not what was sent",
  },
];

const documents = ["The mill turns.", "It rains.", "A river runs by."];

/** What a caller of rankers may try. */
export const waysOfRankers: readonly Way[] = [
  {
    name: "documents that are ranked",
    path: endpointPaths.rerank.edge,
    body: { model: "rerank", query: "Where is the mill?", documents },
    ...whole,
    forms: ["whole"],
    why: "the query is read anew beside each document",
  },
  {
    name: "a long query beside many tiny documents, of which one is wanted",
    path: cohereRerankPath,
    body: { model: "rerank", query: "mill ".repeat(60), documents: Array(400).fill("a"), top_n: 1 },
    ...whole,
    forms: ["whole"],
    why: "400 times the query; what is left out of the answer was read",
  },
  {
    name: "pairs that are cut",
    path: endpointPaths.rerank.edge,
    body: { model: "rerank", query: "mill", documents: ["river ".repeat(200), "x"], truncate_prompt_tokens: 16 },
    ...whole,
    forms: ["whole"],
    why: "what the engine read, not what was sent",
  },
  {
    name: "one text scored against many, and many against as many",
    path: endpointPaths.score.edge,
    body: { model: "rerank", text_1: documents, text_2: documents },
    ...whole,
    forms: ["whole"],
    why: "each text of each pair counts",
  },
  {
    name: "a ranking, left",
    path: endpointPaths.rerank.edge,
    body: { model: "rerank", query: "mill ".repeat(40), documents: Array(500).fill("the river") },
    forms: ["whole"],
    caller: { does: "leavesUnheard", afterMs: [5, 25] },
    pays: "begun",
    why: "the pairs, once an engine has them",
  },
];

/** What tokenizers are asked: nothing is generated, and nothing but requests is counted. */
export const waysOfTokenizers: readonly Way[] = [
  {
    name: "the count of a message",
    path: sitePaths.countMessages,
    body: { model: "chat", messages: said, tools: [{ name: "get_weather", input_schema: schema }] },
    ...answered,
    why: "free, but a request",
  },
  {
    name: "the count of a response",
    path: sitePaths.countResponse,
    body: { model: "chat", input: "Tell me a story" },
    ...answered,
    why: "the same",
  },
  {
    name: "counts in place of calls, over and over",
    path: sitePaths.countMessages,
    body: { model: "chat", messages: said },
    ...answered,
    status: [200, 200, 200, 429, 429, 429, 429],
    caller: { does: "crowds", times: 7 },
    limits: { requestsPerMinute: 3 },
    why: "requests of the minute, the hour and at once bound them; an engine takes four of an org at a time",
  },
  {
    name: "a text's tokens",
    path: sitePaths.tokenize,
    body: { model: "chat", prompt: "mill ".repeat(100), return_token_strs: true },
    ...answered,
    why: "free, but a request; its body is small",
  },
  {
    name: "the text of tokens",
    path: sitePaths.detokenize,
    body: { model: "chat", tokens: [300, 301, 302] },
    ...answered,
    why: "the same",
  },
  {
    name: "what a tokenizer is like",
    path: `${sitePaths.tokenizerInfo}?model=chat`,
    body: {},
    isRead: true,
    ...answered,
    why: "the same",
  },
  {
    name: "a prompt for a tokenizer that is larger than any may be",
    path: sitePaths.countMessages,
    body: { model: "chat", messages: [{ role: "user", content: "mill ".repeat(220_000) }] },
    ...answered,
    status: 413,
    why: "refused before anybody works at it",
  },
];
