import { user, HI, chat, without, WEATHER, CLOCK, LOOSE, SCHEMA, LONG } from "../requests.mjs";

/** Chat, whole answers. Each: name, request, note. */
export const chatCases = [
  ["chat", chat()],
  ["chat-alias", chat({ model: "chat" }), "the answer names the first served name, whatever name was asked"],
  ["chat-no-model", without(chat(), "model"), "no model: the first one served"],
  ["chat-max-tokens-1", chat({ max_tokens: 1 })],
  ["chat-max-completion-tokens", chat({ max_tokens: undefined, max_completion_tokens: 5 })],
  ["chat-max-completion-tokens-wins", chat({ max_tokens: 3, max_completion_tokens: 5 })],
  [
    "chat-default-max-tokens",
    chat({ max_tokens: undefined, stop: ["null"] }),
    "no max_tokens: to the end of the context, here cut by a stop string",
  ],
  [
    "chat-fills-context",
    chat({ max_tokens: undefined, messages: user(LONG + LONG + LONG + LONG), ignore_eos: true }),
    "no max_tokens: until the context is full",
  ],
  [
    "chat-system-and-history",
    chat({
      messages: [
        { role: "system", content: "Be brief." },
        ...HI,
        { role: "assistant", content: "Well." },
        { role: "user", content: "And now?" },
      ],
    }),
  ],
  [
    "chat-content-parts",
    chat({
      messages: user([
        { type: "text", text: "Hello," },
        { type: "text", text: "how are you?" },
      ]),
    }),
  ],
  ["chat-developer-role", chat({ messages: [{ role: "developer", content: "Be brief." }, ...HI] })],
  [
    "chat-tool-message",
    chat({
      messages: [
        ...HI,
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "call_1", type: "function", function: { name: "get_weather", arguments: '{"city":"Rome"}' } },
          ],
        },
        { role: "tool", tool_call_id: "call_1", content: "sunny" },
      ],
      tools: [WEATHER],
    }),
  ],
  ["chat-n2", chat({ n: 2, temperature: 1, seed: 7 })],
  ["chat-seed", chat({ temperature: 1, seed: 42, max_tokens: 16 })],
  ["chat-seed-again", chat({ temperature: 1, seed: 42, max_tokens: 16 }), "the same request as chat-seed"],
  [
    "chat-top-k-penalties",
    chat({
      temperature: 0.8,
      top_k: 20,
      top_p: 0.9,
      min_p: 0.01,
      repetition_penalty: 1.2,
      presence_penalty: 0.5,
      frequency_penalty: 0.5,
      seed: 1,
    }),
  ],
  ["chat-repetition-penalty-greedy", chat({ repetition_penalty: 1.3, max_tokens: 16 })],
  ["chat-logit-bias", chat({ logit_bias: { 72: 100 } })],
  ["chat-logprobs", chat({ logprobs: true, max_tokens: 3 }), "top_logprobs defaults to 0"],
  ["chat-top-logprobs", chat({ logprobs: true, top_logprobs: 2, max_tokens: 3 })],
  ["chat-prompt-logprobs", chat({ prompt_logprobs: 0, max_tokens: 1, messages: user("Hi") })],
  ["chat-stop", chat({ stop: ["null"], max_tokens: 32 })],
  ["chat-stop-included", chat({ stop: "null", include_stop_str_in_output: true, max_tokens: 32 })],
  [
    "chat-stop-across-tokens",
    chat({ stop: ["her areO"], max_tokens: 32 }),
    "a stop string that begins in one token and ends in the next",
  ],
  ["chat-stop-token-id", chat({ stop_token_ids: [601], max_tokens: 32 })],
  ["chat-eos", chat({ logit_bias: { 1021: 100 }, max_tokens: 8 }), "biased to <|im_end|>: the end at the first token"],
  ["chat-eos-ignored", chat({ logit_bias: { 1021: 100 }, max_tokens: 8, ignore_eos: true })],
  ["chat-min-tokens", chat({ logit_bias: { 1021: 100 }, max_tokens: 8, min_tokens: 4 })],
  ["chat-echo", chat({ echo: true })],
  [
    "chat-continue-final",
    chat({
      messages: [...HI, { role: "assistant", content: "I am" }],
      add_generation_prompt: false,
      continue_final_message: true,
    }),
  ],
  [
    "chat-continue-final-both",
    chat({ messages: [...HI, { role: "assistant", content: "I am" }], continue_final_message: true }),
    "add_generation_prompt is true by default",
  ],
  ["chat-token-ids", chat({ return_token_ids: true, max_tokens: 4 })],
  ["chat-tokens-as-ids", chat({ logprobs: true, top_logprobs: 1, max_tokens: 2, return_tokens_as_token_ids: true })],
  ["chat-request-id", chat({ request_id: "fixture-1", max_tokens: 1 })],
  [
    "chat-request-id-header",
    { ...chat({ max_tokens: 1 }), headers: { "content-type": "application/json", "x-request-id": "fixture-2" } },
  ],
  ["chat-user-metadata", chat({ user: "u", metadata: { a: "b" }, store: true, service_tier: "auto", max_tokens: 1 })],
  ["chat-unknown-field", chat({ max_tokens: 1, frobnicate: 1 })],
  ["chat-guided-json", chat({ max_tokens: 4, guided_json: { type: "object" } }), "the field is gone from this version"],
  ["chat-best-of", chat({ max_tokens: 1, best_of: 2 })],
  ["chat-cache-salt", chat({ cache_salt: "org-1", max_tokens: 2 })],
  ["chat-priority-zero", chat({ priority: 0, max_tokens: 1 })],
  ["chat-truncate-prompt", chat({ truncate_prompt_tokens: 5, max_tokens: 1 })],
  ["chat-json-object", chat({ response_format: { type: "json_object" }, max_tokens: 24 })],
  ["chat-json-schema", chat({ response_format: SCHEMA, max_tokens: 64 })],
  ["chat-response-format-text", chat({ response_format: { type: "text" } })],
  ["chat-structured-choice", chat({ structured_outputs: { choice: ["yes", "no"] } })],
  ["chat-structured-regex", chat({ structured_outputs: { regex: "[0-9]{3}" } })],
  ["chat-tools-auto", chat({ tools: [WEATHER], tool_choice: "auto" }), "a random model does not call a tool"],
  ["chat-tools-none", chat({ tools: [WEATHER], tool_choice: "none" })],
  ["chat-tools-required", chat({ tools: [WEATHER], tool_choice: "required", max_tokens: 64 })],
  [
    "chat-tools-required-loose",
    chat({ tools: [LOOSE], tool_choice: "required", max_tokens: 64 }),
    "without strict: true the arguments are held to be JSON, not to fit the schema",
  ],
  ["chat-tools-required-two", chat({ tools: [WEATHER, CLOCK], tool_choice: "required", max_tokens: 160 })],
  [
    "chat-tools-named",
    chat({ tools: [WEATHER], tool_choice: { type: "function", function: { name: "get_weather" } }, max_tokens: 64 }),
  ],
  [
    "chat-tools-named-cut",
    chat({ tools: [WEATHER], tool_choice: { type: "function", function: { name: "get_weather" } }, max_tokens: 2 }),
  ],
  [
    "chat-accept-encoding",
    { ...chat({ max_tokens: 1 }), headers: { "content-type": "application/json", "accept-encoding": "gzip, br" } },
  ],
  [
    "chat-origin",
    { ...chat({ max_tokens: 1 }), headers: { "content-type": "application/json", origin: "https://example.org" } },
  ],
];
