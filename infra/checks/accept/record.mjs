// Records a real vLLM's answers, byte for byte, into test/fixtures/vllm/.  Plain Node >= 20, no packages.
//
//   node infra/checks/accept/record.mjs --chat PORT        the main table       (serve.sh chat PORT)
//   node infra/checks/accept/record.mjs --limited PORT     admission, keys, ids (serve.sh chat PORT -- FLAGS, see the README)
//   node infra/checks/accept/record.mjs --embed PORT       embeddings           (serve.sh embed PORT)
//   node infra/checks/accept/record.mjs --death PORT --pid PID --signal SIG --name NAME
//                                                   a stream whose engine or server is sent SIG midway
//   ... --only REGEX                                just the cases whose name matches
//
// A fixture: { name, server, note?, request: {method, path, headers, body}, status, headers, body }. `body` is the
// response as text (`bodyBase64` where it is not text). A stream has `blocks` in its place: the SSE text cut after each
// blank line, so that blocks.join("") is the body; `writes` lists the sizes of the HTTP chunks only where these are not
// one block each. Nothing is normalised: ids, times and floats are what that server said that day.

import http from "node:http";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OUT = join(dirname(fileURLToPath(import.meta.url)), "../../../test/fixtures/vllm");
/** The folder of a recording: the first word of its name, where that is a family. */
function familyOf(name) {
  if (name.startsWith("detokenize")) return "tokenize";
  if (/^(death|abort|resume)/.test(name)) return "ends";
  return /^(chat|completions|embed|error|queue|key|tokenize|cache|metrics)\b/.exec(name)?.[1] ?? "other";
}
const opt = {};
for (let i = 2; i < process.argv.length; i += 2) opt[process.argv[i].slice(2)] = process.argv[i + 1];
const only = opt.only ? new RegExp(opt.only) : null;
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const M = "Qwen/Qwen2.5-7B-Instruct";
const CHAT = "/v1/chat/completions";
const COMP = "/v1/completions";

/** One exchange on a connection of its own.  `cut`: destroy the socket after that many SSE blocks. */
function exchange(port, { method = "GET", path, headers = {}, body, cut, patience = 120_000, onBlock }) {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : Buffer.from(body);
    const req = http.request({
      host: "127.0.0.1",
      port,
      method,
      path,
      agent: false,
      headers: { connection: "keep-alive", ...headers, ...(payload ? { "content-length": payload.length } : {}) },
    });
    let give = () => req.destroy(new Error(`${method} ${path}: no answer in ${patience} ms`));
    const timer = setTimeout(() => give(), patience);
    req.on("error", (e) => {
      clearTimeout(timer);
      reject(e);
    });
    req.on("response", (res) => {
      const parts = [];
      const socket = res.socket;
      let seen = 0;
      const done = (ended) => {
        clearTimeout(timer);
        const headers = {};
        for (let i = 0; i < res.rawHeaders.length; i += 2) {
          const k = res.rawHeaders[i];
          headers[k] = k in headers ? `${headers[k]}, ${res.rawHeaders[i + 1]}` : res.rawHeaders[i + 1];
        }
        const text = Buffer.concat(parts).toString("utf8");
        const out = { status: res.statusCode, headers };
        if (/event-stream/.test(res.headers["content-type"] ?? "")) {
          out.blocks = text.split(/(?<=\n\n)/);
          const sizes = parts.map((p) => p.length);
          if (sizes.join() !== out.blocks.map((b) => Buffer.byteLength(b)).join()) out.writes = sizes;
        } else if (/octet-stream/.test(res.headers["content-type"] ?? ""))
          out.bodyBase64 = Buffer.concat(parts).toString("base64");
        else out.body = text;
        if (ended !== "end") out.ended = ended;
        socket.destroy(); // kept alive only so that the answer carries no "connection: close"
        resolve(out);
      };
      let last = Date.now();
      give = () => done(`open, and silent for ${Math.round((Date.now() - last) / 1000)} s, when the client gave up`);
      res.on("data", (d) => {
        last = Date.now();
        parts.push(d);
        const n = d.toString("utf8").split("\n\n").length - 1;
        seen += n;
        if (n && onBlock) onBlock(seen);
        if (cut !== undefined && seen >= cut) {
          req.destroy();
          done("cut by the client");
        }
      });
      res.on("end", () => done("end"));
      res.on("error", (e) => done(`${e.code ?? ""} ${e.message}`.trim()));
    });
    req.end(payload);
  });
}

const json = (path, value, extra = {}) => ({
  method: "POST",
  path,
  body: typeof value === "string" ? value : JSON.stringify(value),
  ...extra,
  headers: { "content-type": "application/json", ...extra.headers },
});

let written = 0;
function save(name, server, request, response, note) {
  const { cut: _cut, patience: _patience, onBlock: _onBlock, ...req } = request;
  const fixture = { name, server, ...(note ? { note } : {}), request: req, ...response };
  const folder = join(OUT, familyOf(name));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(fixture, null, 2) + "\n");
  written++;
  console.log(`${String(response.status).padEnd(4)} ${name}`);
}

async function record(port, server, name, request, note) {
  if (only && !only.test(name)) return;
  save(name, server, request, await exchange(port, request), note);
}

async function metric(port, name, headers = {}) {
  const { body } = await exchange(port, { path: "/metrics", headers });
  return Number(
    body
      .split("\n")
      .find((l) => l.startsWith(name + "{"))
      ?.split(" ")
      .at(-1),
  );
}

// ---------------------------------------------------------------------------------------------- requests

const user = (content) => [{ role: "user", content }];
const HI = user("Hello, how are you?");
const chat = (more = {}) => json(CHAT, { model: M, messages: HI, max_tokens: 8, temperature: 0, ...more });
const comp = (more = {}) => json(COMP, { model: M, prompt: "Hello world", max_tokens: 8, temperature: 0, ...more });
const without = (request, key) => {
  const o = JSON.parse(request.body);
  delete o[key];
  return { ...request, body: JSON.stringify(o) };
};
const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city",
    strict: true,
    parameters: {
      type: "object",
      properties: { city: { type: "string", enum: ["Paris", "Rome"] } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};
const CLOCK = {
  type: "function",
  function: {
    name: "get_time",
    strict: true,
    parameters: { type: "object", properties: {}, additionalProperties: false },
  },
};
const LOOSE = { type: "function", function: { ...WEATHER.function, strict: undefined } };
const SCHEMA = {
  type: "json_schema",
  json_schema: {
    name: "answer",
    strict: true,
    schema: {
      type: "object",
      properties: { ok: { type: "boolean" }, mood: { type: "string", enum: ["good", "bad"] } },
      required: ["ok", "mood"],
      additionalProperties: false,
    },
  },
};
const LONG = "The quick answer is that the water was found under the old house near the city. ".repeat(20);
const LONGER = LONG.repeat(12);

const CASES = [
  // -- the server itself
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

  // -- chat, whole
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

  // -- chat, streamed
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

  // -- tokens in, tokens out
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

  // -- completions
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

  // -- errors, chat
  ["error-unknown-model", chat({ model: "gpt-4o" })],
  ["error-unknown-model-stream", chat({ model: "gpt-4o", stream: true })],
  ["error-empty-model", chat({ model: "" })],
  ["error-model-number", chat({ model: 5 })],
  ["error-malformed-json", json(CHAT, '{"model": "' + M + '", "messages": [')],
  ["error-not-an-object", json(CHAT, "[]")],
  ["error-empty-body", json(CHAT, "")],
  ["error-content-type-text", { ...chat(), headers: { "content-type": "text/plain" } }],
  ["error-content-type-none", { ...chat(), headers: {} }],
  [
    "error-content-type-charset",
    { ...chat({ max_tokens: 1 }), headers: { "content-type": "application/json; charset=utf-8" } },
  ],
  ["error-missing-messages", without(chat(), "messages")],
  ["error-messages-string", chat({ messages: "Hello" })],
  ["error-messages-empty", chat({ messages: [] })],
  ["error-messages-null", chat({ messages: null })],
  ["error-message-without-role", chat({ messages: [{ content: "x" }] })],
  ["error-message-without-content", chat({ messages: [{ role: "user" }] })],
  ["error-message-content-number", chat({ messages: [{ role: "user", content: 5 }] })],
  ["error-bad-role", chat({ messages: [{ role: "wizard", content: "x" }] })],
  ["error-bad-part-type", chat({ messages: user([{ type: "hologram", hologram: "x" }]) })],
  [
    "error-image-part",
    chat({ messages: user([{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }]) }),
    "a text-only model",
  ],
  ["error-temperature-negative", chat({ temperature: -1 })],
  ["error-temperature-3", chat({ temperature: 3 }), "vLLM has no upper bound"],
  ["error-temperature-string", chat({ temperature: "hot" })],
  ["error-top-p-0", chat({ top_p: 0 })],
  ["error-top-p-2", chat({ top_p: 2 })],
  ["error-top-k-minus-2", chat({ top_k: -2 })],
  ["error-min-p-2", chat({ min_p: 2 })],
  ["error-presence-penalty-3", chat({ presence_penalty: 3 })],
  ["error-frequency-penalty-minus-3", chat({ frequency_penalty: -3 })],
  ["error-repetition-penalty-0", chat({ repetition_penalty: 0 })],
  ["error-max-tokens-0", chat({ max_tokens: 0 })],
  ["error-max-tokens-negative", chat({ max_tokens: -1 })],
  ["error-max-tokens-string", chat({ max_tokens: "many" })],
  ["error-max-tokens-numeric-string", chat({ max_tokens: "2" })],
  ["error-max-tokens-float", chat({ max_tokens: 1.5 })],
  ["error-max-tokens-too-large", chat({ max_tokens: 100000 })],
  ["error-max-tokens-over-context", chat({ max_tokens: 2040 }), "prompt + max_tokens beyond the context"],
  ["error-max-completion-tokens-0", chat({ max_tokens: undefined, max_completion_tokens: 0 })],
  ["error-min-over-max-tokens", chat({ min_tokens: 9 })],
  ["error-context-length", chat({ messages: user(LONGER) })],
  ["error-context-length-no-max-tokens", chat({ messages: user(LONGER), max_tokens: undefined })],
  ["error-context-length-stream", chat({ messages: user(LONGER), stream: true })],
  ["error-n-0", chat({ n: 0 })],
  ["error-n-greedy", chat({ n: 2 }), "n > 1 with temperature 0"],
  ["error-n-too-big", chat({ n: 100000, temperature: 1 })],
  ["error-stream-options-without-stream", chat({ stream_options: { include_usage: true } })],
  ["error-stream-string", chat({ stream: "maybe" })],
  ["error-top-logprobs-without-logprobs", chat({ top_logprobs: 2 })],
  ["error-top-logprobs-21", chat({ logprobs: true, top_logprobs: 21 })],
  ["error-top-logprobs-negative", chat({ logprobs: true, top_logprobs: -2 })],
  ["error-logprobs-number", chat({ logprobs: 2 })],
  ["error-prompt-logprobs-stream", chat({ prompt_logprobs: 1, stream: true })],
  ["error-response-format-unknown", chat({ response_format: { type: "yaml" } })],
  ["error-response-format-no-schema", chat({ response_format: { type: "json_schema" } })],
  [
    "error-response-format-bad-schema",
    chat({ response_format: { type: "json_schema", json_schema: { name: "x", schema: { type: "wat" } } } }),
  ],
  ["error-structured-two", chat({ structured_outputs: { choice: ["a"], regex: "b" } })],
  ["error-structured-bad-regex", chat({ structured_outputs: { regex: "[" } })],
  ["error-logit-bias-out-of-vocab", chat({ logit_bias: { 999999: 1 } })],
  ["error-logit-bias-over-100", chat({ logit_bias: { 72: 1000 } })],
  ["error-logit-bias-not-a-number", chat({ logit_bias: { abc: 1 } })],
  ["error-stop-too-many", chat({ stop: Array.from({ length: 20 }, (_, i) => `s${i}`) })],
  ["error-stop-empty", chat({ stop: "" })],
  ["error-seed-string", chat({ seed: "x" })],
  [
    "error-seed-too-big",
    json(
      CHAT,
      JSON.stringify({ model: M, messages: HI, max_tokens: 1 }).slice(0, -1) + ',"seed":99999999999999999999}',
    ),
  ],
  ["error-priority", chat({ priority: 1 })],
  ["error-cache-salt-empty", chat({ cache_salt: "" })],
  ["error-cache-salt-too-long", chat({ cache_salt: "x".repeat(2000) })],
  ["error-chat-template", chat({ chat_template: "{{ messages }}" })],
  ["error-tool-choice-without-tools", chat({ tool_choice: "auto" })],
  ["error-tool-choice-required-without-tools", chat({ tool_choice: "required" })],
  [
    "error-tool-choice-unknown-name",
    chat({ tools: [WEATHER], tool_choice: { type: "function", function: { name: "nope" } } }),
  ],
  ["error-tool-choice-unknown", chat({ tools: [WEATHER], tool_choice: "perhaps" })],
  ["error-tools-empty", chat({ tools: [] })],
  ["error-tools-malformed", chat({ tools: [{ type: "function" }] })],
  ["error-bad-words-empty", chat({ bad_words: [""] })],
  ["error-allowed-token-ids-empty", chat({ allowed_token_ids: [] })],
  ["error-use-beam-search", chat({ use_beam_search: true, n: 2, max_tokens: 4 })],
  ["error-nul-in-prompt", chat({ messages: user("a\u0000b"), max_tokens: 1 })],
  [
    "error-lone-surrogate",
    json(CHAT, `{"model":"${M}","messages":[{"role":"user","content":"a\\ud800b"}],"max_tokens":1,"temperature":0}`),
  ],
  [
    "error-nan",
    json(CHAT, `{"model":"${M}","messages":[{"role":"user","content":"a"}],"max_tokens":1,"temperature":NaN}`),
  ],

  // -- errors, completions
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

// ------------------------------------------------------------------------------------------------- runs

async function waitIdle(port, headers) {
  const began = Date.now();
  while (Date.now() - began < 30_000) {
    if ((await metric(port, "vllm:num_requests_running", headers)) === 0) return Date.now() - began;
    await sleep(50);
  }
  return null;
}

async function aborts(port) {
  for (const [name, request] of [
    [
      "abort-stream",
      {
        ...chat({
          stream: true,
          max_tokens: 1800,
          ignore_eos: true,
          stream_options: { include_usage: true, continuous_usage_stats: true },
        }),
        cut: 5,
      },
    ],
    ["abort-whole", chat({ max_tokens: 1800, ignore_eos: true })],
  ]) {
    if (only && !only.test(name)) continue;
    const before = await metric(port, "vllm:generation_tokens_total");
    let response = { status: null };
    if (request.cut) response = await exchange(port, request);
    else {
      const req = http.request({
        host: "127.0.0.1",
        port,
        method: "POST",
        path: request.path,
        agent: false,
        headers: { ...request.headers, "content-length": Buffer.byteLength(request.body) },
      });
      req.on("error", () => {});
      req.end(request.body);
      await sleep(400);
      response.runningBefore = await metric(port, "vllm:num_requests_running");
      req.destroy();
      response.ended = "cut by the client before any answer";
    }
    const idle = await waitIdle(port);
    await sleep(500);
    const after = await metric(port, "vllm:generation_tokens_total");
    await sleep(1500);
    const later = await metric(port, "vllm:generation_tokens_total");
    save(
      name,
      "chat",
      request,
      {
        ...response,
        msUntilIdle: idle,
        tokensGenerated: after - before,
        tokensGeneratedTwoSecondsLater: later - before,
      },
      "the client went away; asked for 1800 tokens",
    );
  }
}

/** A chat broken off after 8 of 16 tokens and continued through /v1/completions by token ids. */
async function resume(port) {
  const whole = chat({ max_tokens: 16, return_token_ids: true });
  const first = await exchange(port, whole);
  const body = JSON.parse(first.body);
  const ids = body.choices[0].token_ids;
  save("resume-1-whole", "chat", whole, first);
  const rest = comp({
    prompt: [...body.prompt_token_ids, ...ids.slice(0, 8)],
    max_tokens: 8,
    stream: true,
    return_token_ids: true,
  });
  const second = await exchange(port, rest);
  const got = second.blocks
    .filter((b) => b.startsWith("data: {"))
    .flatMap((b) => JSON.parse(b.slice(6)).choices[0]?.token_ids ?? []);
  save(
    "resume-2-rest",
    "chat",
    rest,
    { ...second, sameIds: got.join() === ids.slice(8).join() },
    "the prompt is the first prompt and eight of the sixteen ids of resume-1-whole",
  );
}

async function main() {
  if (opt.chat) {
    const port = Number(opt.chat);
    for (const [name, request, note] of CASES) await record(port, "chat", name, request, note);
    if (!only || only.test("resume")) await resume(port);
    await aborts(port);
    if (!only || only.test("metrics")) {
      const m = await exchange(port, { path: "/metrics" });
      writeFileSync(join(OUT, "metrics/metrics.txt"), m.body);
      const { body: _body, ...rest } = m;
      save(
        "metrics",
        "chat",
        { path: "/metrics", method: "GET", headers: {} },
        { ...rest, bodyIn: "metrics.txt" },
        "taken after all the other cases",
      );
    }
  }
  if (opt.limited) await limited(Number(opt.limited));
  if (opt.embed) await embed(Number(opt.embed));
  if (opt.death) await death(Number(opt.death));
  console.log(`${written} fixtures`);
}

const KEY = { authorization: "Bearer penstock-fixture-key" };
async function limited(port) {
  const S = "limited";
  const keyed = (r, more = {}) => ({ ...r, headers: { ...r.headers, ...KEY, ...more } });
  await record(port, S, "key-missing", chat({ max_tokens: 1 }));
  await record(port, S, "key-wrong", {
    ...chat({ max_tokens: 1 }),
    headers: { "content-type": "application/json", authorization: "Bearer wrong" },
  });
  await record(port, S, "key-missing-models", { path: "/v1/models" });
  await record(port, S, "key-missing-unknown-route", { path: "/v1/nope" });
  await record(
    port,
    S,
    "key-missing-tokenize",
    json("/tokenize", { model: M, prompt: "Hello" }),
    "open in spite of --api-key",
  );
  await record(
    port,
    S,
    "key-missing-invocations",
    json("/invocations", { model: M, messages: HI, max_tokens: 1, temperature: 0 }),
    "full inference, open in spite of --api-key",
  );
  await record(port, S, "key-missing-preflight", {
    method: "OPTIONS",
    path: CHAT,
    headers: { origin: "https://example.org", "access-control-request-method": "POST" },
  });
  await record(
    port,
    S,
    "key-right",
    keyed(chat({ max_tokens: 1 })),
    "also: --enable-request-id-headers and --fingerprint-mode none",
  );
  await record(port, S, "request-id-header-echoed", keyed(chat({ max_tokens: 1 }), { "x-request-id": "fixture-3" }));
  await record(
    port,
    S,
    "request-id-header-echoed-stream",
    keyed(chat({ max_tokens: 1, stream: true }), { "x-request-id": "fixture-4" }),
  );
  await record(
    port,
    S,
    "priority-allowed",
    keyed(chat({ max_tokens: 1, priority: 5 })),
    "--scheduling-policy priority",
  );

  // Fill the engine: --max-num-seqs 1 --max-num-queued-reqs 2.
  if (only && !only.test("queue")) return;
  const long = keyed(chat({ max_tokens: 1900, ignore_eos: true, stream: true }));
  const first = exchange(port, { ...long, cut: 1500 });
  await sleep(400);
  const queued = keyed(
    chat({ max_tokens: 2, stream: true, stream_options: { include_usage: true }, messages: user("queued") }),
  );
  const second = exchange(port, queued);
  await sleep(300);
  await record(port, S, "queue-load", { path: "/load" }, "--enable-server-load-tracking, two calls in flight");
  const gauges = (await exchange(port, { path: "/metrics" })).body
    .split("\n")
    .filter((l) => /^vllm:(num_requests|admission)/.test(l));
  await record(port, S, "queue-full", keyed(chat({ max_tokens: 1 })), "two calls in flight, --max-num-queued-reqs 2");
  await record(port, S, "queue-full-stream", keyed(chat({ max_tokens: 1, stream: true })));
  await record(port, S, "queue-full-completions", keyed(comp({ max_tokens: 1 })));
  await record(port, S, "queue-full-n2", keyed(chat({ max_tokens: 1, n: 2, temperature: 1 })));
  await record(port, S, "queue-full-invalid", keyed(chat({ max_tokens: -1 })), "invalid and full: which is said first");
  await record(port, S, "queue-full-unknown-model", keyed(chat({ model: "nope" })));
  await record(port, S, "queue-full-health", { path: "/health" });
  await record(port, S, "queue-full-models", keyed({ path: "/v1/models" }));
  await first;
  save(
    "queue-waiting-stream",
    S,
    queued,
    { ...(await second), metricsWhileWaiting: gauges },
    "waited for the only slot; --sse-keep-alive-interval 1 makes the comments",
  );
  const after = (await exchange(port, { path: "/metrics" })).body.split("\n").filter((l) => /admission/.test(l));
  writeFileSync(join(OUT, "metrics/metrics-admission.txt"), after.join("\n") + "\n");
}

async function embed(port) {
  const S = "embed";
  const E = "BAAI/bge-small-en-v1.5";
  const emb = (more) => json("/v1/embeddings", { model: E, input: "Hello world", ...more });
  const table = [
    ["embed-models", { path: "/v1/models" }],
    ["embed-single", emb({})],
    ["embed-array", emb({ input: ["Hello world", "Once more"] })],
    ["embed-token-ids", emb({ input: [1001, 548] })],
    ["embed-token-ids-array", emb({ input: [[1001, 548], [300]] })],
    ["embed-base64", emb({ encoding_format: "base64" })],
    ["embed-float", emb({ encoding_format: "float" })],
    ["embed-bytes", emb({ encoding_format: "bytes" })],
    ["embed-no-model", json("/v1/embeddings", { input: "Hello world" })],
    ["embed-user", emb({ user: "u", frobnicate: 1 })],
    ["embed-truncate", emb({ input: LONGER, truncate_prompt_tokens: 8 })],
    ["embed-messages", json("/v1/embeddings", { model: E, messages: HI })],
    ["embed-error-dimensions", emb({ dimensions: 8 })],
    ["embed-error-dimensions-0", emb({ dimensions: 0 })],
    ["embed-error-encoding", emb({ encoding_format: "hex" })],
    ["embed-error-missing-input", json("/v1/embeddings", { model: E })],
    ["embed-error-empty", emb({ input: "" })],
    ["embed-error-empty-array", emb({ input: [] })],
    ["embed-error-object", emb({ input: { a: 1 } })],
    ["embed-error-unknown-model", emb({ model: "nope" })],
    ["embed-error-context-length", emb({ input: LONGER })],
    ["embed-error-out-of-vocab", emb({ input: [999999] })],
    ["embed-error-malformed-json", json("/v1/embeddings", "{")],
    ["embed-error-get", { path: "/v1/embeddings" }],
    ["embed-error-chat", json(CHAT, { model: E, messages: HI })],
    ["embed-error-completions", json(COMP, { model: E, prompt: "Hello" })],
    ["embed-tokenize", json("/tokenize", { model: E, prompt: "Hello world" })],
  ];
  for (const [name, request, note] of table) await record(port, S, name, request, note);
}

async function death(port) {
  const request = chat({
    stream: true,
    max_tokens: 400,
    ignore_eos: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  });
  const whole = chat({ max_tokens: 400, ignore_eos: true });
  const patience = 30_000;
  const failed = (e) => ({ status: null, ended: `${e.code ?? ""} ${e.message}`.trim() });
  const beside = exchange(port, { ...whole, patience }).catch(failed);
  let sent = 0;
  const probes = [];
  const probe = async (method, path, body) => {
    const began = Date.now() - sent;
    try {
      const r = await exchange(port, { ...(body ? json(path, body) : { method, path }), patience: 2000 });
      probes.push({ ms: began, path, status: r.status, body: r.body });
    } catch (e) {
      probes.push({ ms: began, path, error: e.code ?? e.message });
    }
  };
  const probing = async () => {
    for (const ms of [50, 250, 700, 1000, 2000, 4000]) {
      await sleep(ms);
      await Promise.all([
        probe("GET", "/health"),
        probe("POST", CHAT, { model: M, messages: HI, max_tokens: 1, temperature: 0 }),
      ]);
    }
  };
  let probed;
  const out = await exchange(port, {
    ...request,
    patience,
    onBlock: (n) => {
      if (n < 5 || sent) return;
      sent = Date.now();
      process.kill(Number(opt.pid), opt.signal);
      probed = probing();
    },
  });
  const ms = Date.now() - sent;
  const wholeCallBeside = await beside;
  await probed;
  delete out.writes;
  const n = out.blocks.length;
  if (n > 60) {
    out.blocksLeftOut = { after: 8, count: n - 16 };
    out.blocks.splice(8, n - 16);
  }
  save(
    `death-${opt.name}`,
    opt.flags ? `chat ${opt.flags}` : "chat",
    request,
    { ...out, msUntilTheEnd: ms, wholeCallBeside, probes },
    `${opt.signal} to the ${opt.name} after five blocks; probes: new calls after the signal`,
  );
}

await main();
