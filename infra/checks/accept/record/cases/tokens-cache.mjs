import { user, HI, M, CHAT, COMP, chat, comp, json, LONG } from "../requests.mjs";

/** Token ids in and out, other routes, and the prefix cache. Each: name, request, note. */
export const tokensCacheCases = [
  ["render-chat", json(CHAT + "/render", { model: M, messages: HI, max_tokens: 8 })],
  ["render-completions", json(COMP + "/render", { model: M, prompt: "Hello world", max_tokens: 8 })],
  [
    "generate",
    json("/inference/v1/generate", {
      model: M,
      token_ids: [1001, 548],
      sampling_params: { temperature: 0, max_tokens: 4 },
    }),
  ],
  [
    "generate-stream",
    json("/inference/v1/generate", {
      model: M,
      token_ids: [1001, 548],
      stream: true,
      sampling_params: { temperature: 0, max_tokens: 4 },
    }),
  ],
  ["responses", json("/v1/responses", { model: M, input: "Hello", max_output_tokens: 4, temperature: 0 })],
  ["messages", json("/v1/messages", { model: M, messages: HI, max_tokens: 4, temperature: 0 })],

  // -- prefix cache
  ["cache-1", chat({ messages: user("Once " + LONG), max_tokens: 2 })],
  [
    "cache-2",
    chat({ messages: user("Once " + LONG), max_tokens: 2 }),
    "the same again: whole blocks (32 here, 16 on a GPU) of the prompt are cached",
  ],
  [
    "cache-3-stream",
    chat({
      messages: user("Once " + LONG),
      max_tokens: 2,
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    }),
  ],
  [
    "cache-4-salted",
    chat({ messages: user("Once " + LONG), max_tokens: 2, cache_salt: "org-1" }),
    "another salt: no hit",
  ],
  ["cache-5-salted-again", chat({ messages: user("Once " + LONG), max_tokens: 2, cache_salt: "org-1" })],
  ["cache-6-completions", comp({ prompt: "Twice " + LONG, max_tokens: 2 })],
  ["cache-7-completions-again", comp({ prompt: "Twice " + LONG, max_tokens: 2 })],
];
