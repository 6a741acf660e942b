import { expect, test } from "vitest";
import { endpointPaths } from "#edge/agreements/paths.ts";
import { ollamaChatMembers, ollamaEmbedMembers, ollamaGenerateMembers } from "#edge/protocol/ollama/members.ts";

/** What Ollama's own server reads (api/types.go: ChatRequest, GenerateRequest, EmbedRequest, EmbeddingRequest). */
const known = {
  "ollama.chat":
    "model messages stream format keep_alive tools options think truncate shift _debug_render_only logprobs " +
    "top_logprobs",
  "ollama.generate":
    "model prompt suffix system template context stream raw format keep_alive images options think truncate shift " +
    "_debug_render_only logprobs top_logprobs width height steps",
  "ollama.embed": "model input prompt keep_alive truncate dimensions options",
};

test("every member that Ollama reads has a row", () => {
  const tables = {
    "ollama.chat": ollamaChatMembers,
    "ollama.generate": ollamaGenerateMembers,
    "ollama.embed": ollamaEmbedMembers,
  };
  for (const [endpoint, names] of Object.entries(known) as [keyof typeof known, string][]) {
    expect(endpointPaths[endpoint].edge).toMatch(/^\/api\//);
    for (const name of names.split(" ")) expect(tables[endpoint]).toHaveProperty([name]);
  }
});
