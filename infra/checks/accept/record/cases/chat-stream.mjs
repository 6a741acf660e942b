import { chat, WEATHER, SCHEMA } from "../requests.mjs";

/** Chat, streamed. Each: name, request, note. */
export const chatStreamCases = [
  ["chat-stream", chat({ stream: true })],
  ["chat-stream-usage", chat({ stream: true, stream_options: { include_usage: true } })],
  ["chat-stream-usage-false", chat({ stream: true, stream_options: { include_usage: false } })],
  [
    "chat-stream-usage-empty",
    chat({ stream: true, stream_options: {} }),
    "inside the object include_usage is true by default",
  ],
  [
    "chat-stream-usage-continuous",
    chat({ stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } }),
  ],
  [
    "chat-stream-continuous-only",
    chat({ stream: true, stream_options: { include_usage: false, continuous_usage_stats: true } }),
  ],
  ["chat-stream-max-tokens-1", chat({ stream: true, max_tokens: 1, stream_options: { include_usage: true } })],
  [
    "chat-stream-n2",
    chat({ stream: true, n: 2, temperature: 1, seed: 7, max_tokens: 4, stream_options: { include_usage: true } }),
  ],
  [
    "chat-stream-seed",
    chat({ stream: true, temperature: 1, seed: 42, max_tokens: 32 }),
    "random tokens: watch the halves of UTF-8 characters",
  ],
  ["chat-stream-logprobs", chat({ stream: true, logprobs: true, top_logprobs: 2, max_tokens: 3 })],
  ["chat-stream-stop", chat({ stream: true, stop: ["null"], max_tokens: 32, stream_options: { include_usage: true } })],
  [
    "chat-stream-stop-across-tokens",
    chat({
      stream: true,
      stop: ["her areO"],
      max_tokens: 32,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    }),
  ],
  ["chat-stream-stop-token-ids", chat({ stream: true, stop: ["her areO"], max_tokens: 32, return_token_ids: true })],
  ["chat-stream-stop-logprobs", chat({ stream: true, stop: ["her areO"], max_tokens: 32, logprobs: true })],
  ["chat-stream-n2-plain", chat({ stream: true, n: 2, temperature: 1, seed: 7, max_tokens: 3 })],
  ["chat-stream-eos", chat({ stream: true, logit_bias: { 1021: 100 }, stream_options: { include_usage: true } })],
  ["chat-stream-echo", chat({ stream: true, echo: true, max_tokens: 2 })],
  [
    "chat-stream-token-ids",
    chat({
      stream: true,
      return_token_ids: true,
      max_tokens: 4,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    }),
  ],
  [
    "chat-stream-token-ids-seed",
    chat({ stream: true, return_token_ids: true, temperature: 1, seed: 42, max_tokens: 32 }),
    "a chunk may carry several ids, or text may lag behind ids",
  ],
  [
    "chat-stream-json-schema",
    chat({ stream: true, response_format: SCHEMA, max_tokens: 64, stream_options: { include_usage: true } }),
  ],
  ["chat-stream-tools-auto", chat({ stream: true, tools: [WEATHER], tool_choice: "auto" })],
  [
    "chat-stream-tools-required",
    chat({
      stream: true,
      tools: [WEATHER],
      tool_choice: "required",
      max_tokens: 64,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    }),
  ],
  [
    "chat-stream-tools-named",
    chat({
      stream: true,
      tools: [WEATHER],
      tool_choice: { type: "function", function: { name: "get_weather" } },
      max_tokens: 64,
      stream_options: { include_usage: true },
    }),
  ],
  [
    "chat-stream-tools-hermes",
    chat({
      stream: true,
      tools: [WEATHER],
      tool_choice: "auto",
      max_tokens: 64,
      structured_outputs: {
        choice: ['<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tool_call>'],
      },
      stream_options: { include_usage: true },
    }),
    "a call made by force, to see the parser stream it",
  ],
  [
    "chat-tools-hermes",
    chat({
      tools: [WEATHER],
      tool_choice: "auto",
      max_tokens: 64,
      structured_outputs: {
        choice: ['<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tool_call>'],
      },
    }),
  ],
  ["chat-stream-interval", chat({ stream: true, stream_interval: 4, max_tokens: 12 })],

  [
    "chat-stream-utf8",
    chat({
      stream: true,
      structured_outputs: { choice: ["é🌍!"] },
      return_token_ids: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    }),
    "characters of several tokens: where are the halves held back",
  ],
  [
    "chat-stream-utf8-plain",
    chat({ stream: true, structured_outputs: { choice: ["é🌍!"] } }),
    "as chat-stream-utf8 without ids",
  ],
  [
    "chat-stream-utf8-cut",
    chat({ stream: true, structured_outputs: { choice: ["é🌍!"] }, return_token_ids: true, max_tokens: 4 }),
    "max_tokens ends in the middle of a character",
  ],
  ["chat-utf8-cut", chat({ structured_outputs: { choice: ["é🌍!"] }, return_token_ids: true, max_tokens: 4 })],
  ["chat-stream-utf8-logprobs", chat({ stream: true, structured_outputs: { choice: ["é🌍!"] }, logprobs: true })],
];
