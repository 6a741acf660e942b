import { comp } from "../requests.mjs";

/** Completions, whole and streamed. Each: name, request, note. */
export const completionsCases = [
  ["completions", comp()],
  ["completions-default-max-tokens", comp({ max_tokens: undefined }), "16"],
  ["completions-n2", comp({ n: 2, temperature: 1, seed: 7 })],
  ["completions-echo", comp({ echo: true })],
  ["completions-echo-only", comp({ echo: true, max_tokens: 0 })],
  ["completions-echo-logprobs", comp({ echo: true, logprobs: 1, max_tokens: 2 })],
  ["completions-array", comp({ prompt: ["Hello world", "Once more"], max_tokens: 4 })],
  [
    "completions-array-n2",
    comp({ prompt: ["Hello world", "Once more"], n: 2, temperature: 1, seed: 7, max_tokens: 2 }),
  ],
  ["completions-token-ids-prompt", comp({ prompt: [1001, 548], max_tokens: 4 })],
  [
    "completions-token-ids-prompts",
    comp({
      prompt: [
        [1001, 548],
        [300, 301, 302],
      ],
      max_tokens: 4,
    }),
  ],
  ["completions-token-ids-out-of-vocab", comp({ prompt: [1001, 999999], max_tokens: 4 })],
  ["completions-logprobs", comp({ logprobs: 2, max_tokens: 3 })],
  ["completions-logprobs-0", comp({ logprobs: 0, max_tokens: 2 })],
  ["completions-seed", comp({ temperature: 1, seed: 42, max_tokens: 16 })],
  ["completions-stop", comp({ stop: "Vergh", max_tokens: 32 })],
  ["completions-suffix", comp({ suffix: "end" })],
  ["completions-best-of", comp({ best_of: 2 })],
  ["completions-return-token-ids", comp({ return_token_ids: true, max_tokens: 4 })],
  ["completions-response-format", comp({ response_format: { type: "json_object" }, max_tokens: 12 })],
  ["completions-stream", comp({ stream: true })],
  ["completions-stream-usage", comp({ stream: true, stream_options: { include_usage: true } })],
  [
    "completions-stream-usage-continuous",
    comp({ stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } }),
  ],
  [
    "completions-stream-n2",
    comp({ stream: true, n: 2, temperature: 1, seed: 7, max_tokens: 4, stream_options: { include_usage: true } }),
  ],
  [
    "completions-stream-array",
    comp({
      stream: true,
      prompt: ["Hello world", "Once more"],
      max_tokens: 3,
      stream_options: { include_usage: true },
    }),
  ],
  ["completions-stream-echo", comp({ stream: true, echo: true, max_tokens: 3 })],
  ["completions-stream-logprobs", comp({ stream: true, logprobs: 2, max_tokens: 3 })],
  ["completions-stream-stop", comp({ stream: true, stop: "Vergh", max_tokens: 32 })],
  [
    "completions-stream-token-ids",
    comp({ stream: true, return_token_ids: true, max_tokens: 4, stream_options: { include_usage: true } }),
  ],
];
