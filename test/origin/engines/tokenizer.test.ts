import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { promptIdsMax } from "#edge/limits.ts";
import { TokenizerTraits } from "#edge/protocol/tokenizer/answers.ts";
import type { EngineKind } from "#origin/config.ts";
import { openEngine, type Engine } from "#origin/engines/http/client.ts";
import { listTokens, readTokenizerTraits, writeTokens } from "#origin/engines/tokenizer.ts";
import { expectRefusal } from "#test/support/fakes/refused.ts";
import { readRecording, type Recording } from "#test/support/recordings.ts";

let server: Server | null = null;
let engine: Engine | null = null;
afterEach(() => {
  engine?.close();
  server?.closeAllConnections();
  server?.close();
});

type Answer = { status?: number; body: unknown };
/** An engine that answers each route as the table says, and remembers what it was sent. */
async function openTable(kind: EngineKind, table: Readonly<Record<string, Answer>>) {
  const seen: [string, unknown][] = [];
  const one = createServer(async (request, response) => {
    const sent = await text(request);
    const route = `${request.method} ${request.url}`;
    seen.push([route, sent === "" ? null : JSON.parse(sent)]);
    const { status = 200, body } = table[route] ?? { status: 404, body: {} };
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
  server = one;
  engine = openEngine({ kind, url: `http://127.0.0.1:${(one.address() as AddressInfo).port}`, models: { a: "a" } });
  return { engine, seen };
}
const prompt = { model: "a", fields: { prompt: "Hi" }, wantsStrings: false };
const messages = [{ role: "user", content: "hi" }];

describe("vLLM's tokenizer", () => {
  test.each(["tokenize-prompt", "tokenize-prompt-strs", "tokenize-messages"])(
    "answers as recorded: %s",
    async (name) => {
      const { body, request } = readRecording<Recording>(name);
      const [answer, sent] = [JSON.parse(body ?? ""), JSON.parse(request.body ?? "")];
      const { engine } = await openTable("vllm", { "POST /tokenize": { body: answer } });
      const { model, return_token_strs, ...fields } = sent;
      expect(await listTokens(engine, { model, fields, wantsStrings: return_token_strs === true })).toEqual({
        tokens: answer.tokens,
        token_strs: answer.token_strs,
      });
    },
  );

  test("is sent a text, or of a chat what its template is given, and nothing else", async () => {
    const answer = { count: 1, tokens: [5], token_strs: ["x"] };
    const { engine, seen } = await openTable("vllm", { "POST /tokenize": { body: answer } });
    await listTokens(engine, { ...prompt, fields: { prompt: "Hi", add_special_tokens: false, temperature: 1 } });
    const chat = { messages, tools: [], add_generation_prompt: false, max_tokens: 4 };
    expect((await listTokens(engine, { ...prompt, fields: chat, wantsStrings: true })).token_strs).toEqual(["x"]);
    expect(seen).toEqual([
      ["POST /tokenize", { model: "a", prompt: "Hi", add_special_tokens: false, return_token_strs: false }],
      ["POST /tokenize", { model: "a", messages, tools: [], add_generation_prompt: false, return_token_strs: true }],
    ]);
  });

  test("writes tokens, and tells what it is like without what is its machine's", async () => {
    const config = {
      tokenizer_class: "Qwen2Tokenizer",
      name_or_path: "/srv/models/x",
      eos_token: "<|im_end|>",
      pad_token: { content: "<|endoftext|>", lstrip: false },
      bos_token: null,
      add_bos_token: false,
      chat_template: "{{ messages }}",
    };
    const { engine, seen } = await openTable("vllm", {
      "POST /detokenize": { body: { prompt: "Hi" } },
      "GET /tokenizer_info": { body: config },
    });
    expect(await writeTokens(engine, "a", [1, 2])).toBe("Hi");
    expect(seen).toEqual([["POST /detokenize", { model: "a", tokens: [1, 2] }]]);
    expect(TokenizerTraits.parse(await readTokenizerTraits(engine))).toEqual({
      tokenizer_class: "Qwen2Tokenizer",
      bos_token: null,
      eos_token: "<|im_end|>",
      pad_token: "<|endoftext|>",
      unk_token: null,
      add_bos_token: false,
      add_eos_token: null,
      chat_template: "{{ messages }}",
    });
  });
});

describe("llama.cpp's server", () => {
  test("puts a chat together first, and names pieces by their bytes where they are no text", async () => {
    const pieces = [
      { id: 5, piece: "Hi" },
      { id: 6, piece: [0xc3] },
    ];
    const { engine, seen } = await openTable("llama-server", {
      "POST /apply-template": { body: { prompt: "<user>hi" } },
      "POST /tokenize": { body: { tokens: pieces } },
    });
    const chat = { ...prompt, fields: { messages }, wantsStrings: true };
    expect(await listTokens(engine, chat)).toEqual({ tokens: [5, 6], token_strs: ["Hi", "\ufffd"] });
    expect(seen).toEqual([
      ["POST /apply-template", { model: "a", messages }],
      [
        "POST /tokenize",
        { model: "a", content: "<user>hi", add_special: true, parse_special: true, with_pieces: true },
      ],
    ]);
  });

  test("lists ids, writes them, and has its template among its properties", async () => {
    const { engine, seen } = await openTable("llama-server", {
      "POST /tokenize": { body: { tokens: [5, 6] } },
      "POST /detokenize": { body: { content: "Hi" } },
      "GET /props": { body: { chat_template: "{{ x }}", bos_token: "<s>", eos_token: "</s>", model_path: "/x" } },
    });
    const bare = { ...prompt, fields: { prompt: "Hi", add_special_tokens: false } };
    expect(await listTokens(engine, bare)).toEqual({ tokens: [5, 6], token_strs: null });
    expect(seen[0]?.[1]).toMatchObject({ content: "Hi", add_special: false, with_pieces: false });
    expect(await writeTokens(engine, "a", [5, 6])).toBe("Hi");
    expect(await readTokenizerTraits(engine)).toMatchObject({ eos_token: "</s>", chat_template: "{{ x }}" });
  });
});

describe("an engine", () => {
  test("without a tokenizer, or without this part of it, is refused by name", async () => {
    const plain = await openTable("openai", {});
    await expectRefusal(() => listTokens(plain.engine, prompt), "unsupported_parameter", "model");
    expect(plain.seen).toEqual([]);
    plain.engine.close();
    server?.close();
    const counting = await openTable("llamacpp", { "POST /tokenize": { body: { count: 3, max_model_len: 9 } } });
    await expectRefusal(() => listTokens(counting.engine, prompt), "unsupported_parameter", "model");
    await expectRefusal(() => writeTokens(counting.engine, "a", [1]), "unsupported_parameter", "model");
    await expectRefusal(() => readTokenizerTraits(counting.engine), "unsupported_parameter", "model");
  });

  test("that does not take a prompt is not quoted; one that fails is a bad gateway", async () => {
    const secret = "path /srv/secret";
    const refusing = await openTable("vllm", { "POST /tokenize": { status: 400, body: { error: secret } } });
    const refusal = await expectRefusal(() => listTokens(refusing.engine, prompt), "invalid_value");
    expect(JSON.stringify(refusal.details)).not.toContain("secret");
    refusing.engine.close();
    server?.close();
    const failing = await openTable("vllm", {
      "POST /tokenize": { status: 500, body: {} },
      "POST /detokenize": { body: "no JSON" },
      "GET /tokenizer_info": { body: "[]" },
    });
    await expectRefusal(() => listTokens(failing.engine, prompt), "bad_gateway");
    await expectRefusal(() => writeTokens(failing.engine, "a", [1]), "bad_gateway");
    await expectRefusal(() => readTokenizerTraits(failing.engine), "bad_gateway");
  });

  test.each([
    ["more tokens than a prompt may have", "vllm", { tokens: Array(promptIdsMax + 1).fill(1) }, "bad_gateway"],
    ["what are no tokens", "llama-server", { tokens: ["x"] }, "bad_gateway"],
    ["no text", "llama-server", { content: 7 }, "bad_gateway"],
  ] as const)("that answers %s is not believed", async (_, kind, body, code) => {
    const { engine } = await openTable(kind, { "POST /tokenize": { body }, "POST /detokenize": { body } });
    await expectRefusal(() => ("content" in body ? writeTokens(engine, "a", [1]) : listTokens(engine, prompt)), code);
  });
});
