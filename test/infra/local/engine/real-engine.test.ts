import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { makeModelRecords, probeEngine } from "#infra/local/engine/real-engine.ts";

let server: Server | null = null;
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

/** An engine that answers these paths with these bodies, and 404 to all else. */
async function engineWith(pages: Record<string, unknown>): Promise<string> {
  server = createServer((request, response) => {
    const page = pages[request.url ?? ""];
    response.writeHead(page === undefined ? 404 : 200, { connection: "close" }).end(JSON.stringify(page ?? {}));
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const list = (...data: unknown[]) => ({ "/v1/models": { object: "list", data } });

test.each<[string, Record<string, unknown>, string]>([
  ["vLLM", { ...list({ id: "a", owned_by: "vllm", max_model_len: 2_048 }), "/version": { version: "0.32.0" } }, "vllm"],
  ["Ollama", { ...list({ id: "a", owned_by: "library" }), "/api/version": { version: "0.9" } }, "ollama"],
  ["llama.cpp's server", list({ id: "a", owned_by: "llamacpp", meta: { n_ctx: 4_096 } }), "llama-server"],
  [
    "our own llama.cpp",
    { ...list({ id: "a", owned_by: "penstock-gguf", max_model_len: 2_048 }), "/version": { version: "3.22.1" } },
    "llamacpp",
  ],
  ["anything else", list({ id: "a", owned_by: "me" }), "openai"],
])("%s is known by what it says of itself", async (_, pages, kind) => {
  const url = await engineWith(pages);
  for (const given of [url, `${url}/v1`, `${url}/v1/`])
    expect((await probeEngine(given)).engine).toEqual({ kind, url, models: { a: "a" } });
});

test("a vLLM's several names are one model with the context it reports, or a guess where it reports none", async () => {
  const url = await engineWith({
    ...list({ id: "a", root: "r", max_model_len: 2_048 }, { id: "b", root: "r" }),
    "/version": { version: "1" },
  });
  expect((await probeEngine(url)).found).toEqual([
    { name: "a", aliases: ["b"], contextTokensMax: 2_048, isEmbedding: false },
  ]);
});

test("the context of llama.cpp's server is that of one of its slots", async () => {
  const url = await engineWith(list({ id: "a", owned_by: "llamacpp", meta: { n_ctx: 4_096, n_ctx_train: 32_768 } }));
  expect((await probeEngine(url)).found).toEqual([
    { name: "a", aliases: [], contextTokensMax: 4_096, isEmbedding: false },
  ]);
});

test("where nobody answers, that is reported", async () => {
  await expect(probeEngine("http://127.0.0.1:9")).rejects.toThrow("no OpenAI-compatible engine");
});

test("the first model is chat and text2sql as well, unless one is called so", () => {
  const found = { name: "a", aliases: [], contextTokensMax: 1_000, isEmbedding: false };
  expect(makeModelRecords([found])[0]).toMatchObject({
    id: "a",
    aliases: ["chat", "text2sql"],
    contextTokensMax: 1_000,
    completionTokensDefault: 1_000,
  });
  expect(makeModelRecords([{ ...found, aliases: ["chat"] }])[0]!.aliases).toEqual(["chat", "text2sql"]);
  expect(makeModelRecords([{ ...found, isEmbedding: true }])[0]).toMatchObject({
    aliases: ["embed"],
    endpoints: ["embeddings"],
  });
});
