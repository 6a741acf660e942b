import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What one model call to the fake engine looked like, and whether its socket was closed by the agent before it ended.
 */
export interface SeenCall {
  path: string;
  headers: IncomingMessage["headers"];
  body: Record<string, unknown>;
  /** The body as it came. */
  text: string;
  isAborted: boolean;
  abortedAtMs: number | null;
}

export type Script = (response: ServerResponse, call: SeenCall, request: IncomingMessage) => void | Promise<void>;

export interface FakeEngine {
  url: string;
  calls: SeenCall[];
  /** What the next model calls do; the last script stays. */
  script: Script;
  /** Tokens that /tokenize counts; null answers 404. */
  tokens: number | null;
  contextTokensMax: number;
  isHealthy: boolean;
  metrics: string;
  /** It still answers a client who has closed their half; Node drops what is written then unless told. */
  isHalfOpen: boolean;
  close(): Promise<void>;
}

/** A raw server whose bytes a test writes itself, chunk by chunk. */
export async function startFakeEngine(): Promise<FakeEngine> {
  const server = createServer((request, response) => void serve(request, response));
  // Of Node's server, though its types do not say so.
  const halfOpen = server as typeof server & { httpAllowHalfOpen: boolean };
  const engine: FakeEngine = {
    url: "",
    calls: [],
    script: (response) => streamChunks(response, textChunks(["Hello", " world"])),
    tokens: 7,
    contextTokensMax: 100,
    isHealthy: true,
    metrics: "",
    get isHalfOpen() {
      return halfOpen.httpAllowHalfOpen;
    },
    set isHalfOpen(value) {
      halfOpen.httpAllowHalfOpen = value;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = Buffer.from(await new Response(request as unknown as ReadableStream).arrayBuffer());
    const isForm = request.headers["content-type"]?.startsWith("multipart/form-data") ?? false;
    // A form has a file in it: one character a byte.
    const text = bytes.toString(isForm ? "latin1" : "utf8");
    if (request.url === "/health") return void response.writeHead(engine.isHealthy ? 200 : 503).end();
    if (request.url === "/version" || request.url === "/api/version")
      return void response.end('{"version":"0.0-fake"}');
    if (request.url === "/metrics") return void response.end(engine.metrics);
    if (request.url === "/v1/models") return void response.end('{"data":[]}');
    if (request.url === "/tokenize") {
      if (engine.tokens === null) return void response.writeHead(404).end();
      return void response.end(
        JSON.stringify({
          count: engine.tokens,
          max_model_len: engine.contextTokensMax,
          tokens: Array(engine.tokens).fill(1),
        }),
      );
    }
    const call: SeenCall = {
      path: request.url ?? "",
      headers: request.headers,
      body: isForm ? {} : JSON.parse(text),
      text,
      isAborted: false,
      abortedAtMs: null,
    };
    engine.calls.push(call);
    response.on("close", () => {
      if (response.writableFinished) return;
      call.isAborted = true;
      call.abortedAtMs = performance.now();
    });
    await engine.script(response, call, request);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  engine.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return engine;
}

const head =
  '{"id":"chatcmpl-fake","object":"chat.completion.chunk","created":1795258287,"model":"engine/name","choices":[';

/** One chunk as vLLM 0.32 writes it; `usage` is any text, so that tests can lie. */
export function chunk(text: string, usage: string | null, finish: string | null = null, index = 0): string {
  const delta = `{"content":${JSON.stringify(text)}}`;
  const end = `"finish_reason":${JSON.stringify(finish)},"token_ids":null`;
  const choice = `{"index":${index},"delta":${delta},"logprobs":null,${end}}`;
  return `data: ${head}${choice}]${usage === null ? "" : `,"usage":${usage}`}}\n\n`;
}

export function usage(prompt: number, completion: number): string {
  const counts = `"prompt_tokens":${prompt},"total_tokens":${prompt + completion},"completion_tokens":${completion}`;
  return `{${counts},"completion_tokens_details":null}`;
}

export function usageChunk(text: string): string {
  return `data: ${head}],"usage":${text}}\n\n`;
}

const roleChoice = '{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}';
export const roleChunk = `data: ${head}${roleChoice}],"usage":${usage(7, 0)},"prompt_token_ids":null}\n\n`;
export const doneEvent = "data: [DONE]\n\n";

/** A whole stream of vLLM's: role, a chunk a word with usage on each, the usage chunk, `[DONE]`. */
export function textChunks(words: string[], prompt = 7): string[] {
  const body = words.map((word, at) => chunk(word, usage(prompt, at + 1), at === words.length - 1 ? "stop" : null));
  return [roleChunk, ...body, usageChunk(usage(prompt, words.length)), doneEvent];
}

export function openStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
}

/** Writes each piece as a read of its own. */
export async function streamChunks(
  response: ServerResponse,
  pieces: (string | Buffer)[],
  msBetween = 0,
): Promise<void> {
  openStream(response);
  for (const piece of pieces) {
    if (response.destroyed) return;
    response.write(piece);
    await new Promise((resolve) => (msBetween > 0 ? setTimeout(resolve, msBetween) : setImmediate(resolve)));
  }
  response.end();
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
