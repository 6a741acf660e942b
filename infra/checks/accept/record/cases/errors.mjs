import { M, CHAT, chat, comp, without, json, LONGER } from "../requests.mjs";

/** What completions and routes are refused for. Each: name, request, note. */
export const errorsCases = [
  ["error-completions-unknown-model", comp({ model: "gpt-4o" })],
  ["error-completions-missing-prompt", without(comp(), "prompt")],
  ["error-completions-empty-prompt", comp({ prompt: "" })],
  ["error-completions-empty-array", comp({ prompt: [] })],
  ["error-completions-prompt-object", comp({ prompt: { a: 1 } })],
  ["error-completions-prompt-mixed", comp({ prompt: ["a", 1] })],
  ["error-completions-context-length", comp({ prompt: LONGER })],
  ["error-completions-over-context", comp({ max_tokens: 2047 }), "prompt 2 + 2047 > 2048"],
  ["error-completions-max-tokens-0", comp({ max_tokens: 0 })],
  ["error-completions-logprobs-21", comp({ logprobs: 21 })],
  ["error-completions-logprobs-negative", comp({ logprobs: -1 })],
  ["error-completions-stream-options-without-stream", comp({ stream_options: { include_usage: true } })],
  ["error-completions-echo-token-ids", comp({ prompt: [1001, 548], echo: true, max_tokens: 2 })],

  // -- errors, routes
  ["error-unknown-route", { path: "/v1/nope" }],
  ["error-unknown-route-post", json("/v1/nope", {})],
  ["error-root", { path: "/" }],
  ["error-chat-get", { path: CHAT }],
  ["error-chat-put", { ...chat(), method: "PUT" }],
  ["error-chat-options", { method: "OPTIONS", path: CHAT }],
  [
    "error-chat-preflight",
    {
      method: "OPTIONS",
      path: CHAT,
      headers: {
        origin: "https://example.org",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    },
  ],
  ["error-chat-head", { method: "HEAD", path: CHAT }],
  ["error-chat-trailing-slash", { ...chat({ max_tokens: 1 }), path: CHAT + "/" }],
  ["error-chat-double-slash", { ...chat({ max_tokens: 1 }), path: "/" + CHAT }],
  ["error-chat-query", { ...chat({ max_tokens: 1 }), path: CHAT + "?a=b" }],
  ["error-models-post", json("/v1/models", {})],
  ["error-models-by-id", { path: "/v1/models/chat" }],
  ["error-models-head", { method: "HEAD", path: "/v1/models" }],
  ["error-health-head", { method: "HEAD", path: "/health" }],
  ["error-health-post", json("/health", {})],
  ["error-metrics-head", { method: "HEAD", path: "/metrics" }],
  ["error-docs", { path: "/docs" }],
  ["error-openapi", { path: "/openapi.json" }],
  ["error-embeddings-on-generate", json("/v1/embeddings", { model: M, input: "Hello" })],
];
