import { HI, M, json, WEATHER } from "../requests.mjs";

/** The server itself: models, health, tokenize. Each: name, request, note. */
export const serverCases = [
  ["models", { path: "/v1/models" }],
  ["health", { path: "/health" }],
  ["ping-get", { path: "/ping" }],
  ["version", { path: "/version" }],
  ["load", { path: "/load" }, "always 0 without --enable-server-load-tracking"],
  ["tokenize-prompt", json("/tokenize", { model: M, prompt: "Hello world" })],
  ["tokenize-prompt-strs", json("/tokenize", { model: M, prompt: "Hello world é", return_token_strs: true })],
  ["tokenize-messages", json("/tokenize", { model: M, messages: HI })],
  [
    "tokenize-messages-no-generation-prompt",
    json("/tokenize", { model: M, messages: HI, add_generation_prompt: false }),
  ],
  ["tokenize-messages-tools", json("/tokenize", { model: M, messages: HI, tools: [WEATHER] })],
  ["tokenize-no-model", json("/tokenize", { prompt: "Hello world" })],
  ["tokenize-unknown-model", json("/tokenize", { model: "nope", prompt: "Hello world" })],
  ["detokenize", json("/detokenize", { model: M, tokens: [1, 2, 3, 300, 1000] })],
  ["detokenize-out-of-vocab", json("/detokenize", { model: M, tokens: [999999] })],
];
