import { record } from "./recording.mjs";
import { CHAT, COMP, HI, json, LONGER } from "./requests.mjs";

/** What a server of embeddings answers. */
export async function embed(port) {
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
  for (const [name, request, note] of table) await record({ port, server: "embed" }, name, request, note);
}
