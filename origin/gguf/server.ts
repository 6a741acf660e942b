import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { parseObject, type JsonObject } from "#edge/agreements/json.ts";
import { GgufError } from "./gguf-error.ts";
import type { Llama } from "./llama.ts";
import { describeError } from "./module.ts";
import { readGgufCall, readPrompt } from "./request.ts";
import { Slots } from "./slots.ts";
import { openAnswerWriter } from "./answer-writer.ts";

/** A running server of one GGUF model. */
export interface GgufServer {
  url: string;
  /** Ends what is in flight, and the server. */
  close(): Promise<void>;
}

/** How the server is opened. */
export interface GgufServerOptions {
  /** The model's name in requests and answers. */
  name: string;
  host?: string;
  port?: number;
  /** How long a call may wait for a slot: less than the edge waits for a stream to begin. */
  waitMsMax?: number;
  log?(line: string): void;
}

interface GgufRooms {
  llama: Llama;
  slots: Slots;
  options: Required<Pick<GgufServerOptions, "name" | "waitMsMax" | "log">>;
}

const bodyBytesMax = 8 * 1024 * 1024;

/**
 * Serves a model over HTTP as vLLM would, as far as it goes: chat and plain completions, streamed or whole, with usage
 * on every chunk where it is asked for; /v1/models, /tokenize, /health, /version. What it cannot do is refused by name.
 * Four calls generate at once; more wait for `waitMsMax`, then 503.
 */
export async function serveGguf(
  llama: Llama,
  { name, host = "127.0.0.1", port = 0, waitMsMax = 20_000, log = () => undefined }: GgufServerOptions,
): Promise<GgufServer> {
  const rooms: GgufRooms = { llama, slots: new Slots(llama.slots), options: { name, waitMsMax, log } };
  const server = createServer((request, response) => {
    serve(rooms, request, response).catch((error: unknown) => fail(rooms, response, error));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  return {
    url: formatUrl(server, host),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(rooms: GgufRooms, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { llama, options } = rooms;
  const route = `${request.method} ${request.url}`;
  if (route === "GET /health") return void response.end();
  if (route === "GET /version") return sendJson(response, 200, { version: llama.version });
  if (route === "GET /v1/models")
    return sendJson(response, 200, {
      object: "list",
      data: [{ id: options.name, object: "model", owned_by: "penstock-gguf", max_model_len: llama.contextTokensMax }],
    });
  if (!["POST /tokenize", "POST /v1/chat/completions", "POST /v1/completions"].includes(route))
    throw new GgufError(404, "no such route");
  const body = await readJsonBody(request);
  if (body["model"] !== undefined && body["model"] !== options.name) throw new GgufError(404, "no such model", "model");
  if (route === "POST /tokenize")
    return sendJson(response, 200, { count: llama.count(readPrompt(body)), max_model_len: llama.contextTokensMax });
  await generate(rooms, route === "POST /v1/chat/completions", body, response);
}

async function generate(
  { llama, slots, options }: GgufRooms,
  isChat: boolean,
  body: JsonObject,
  response: ServerResponse,
): Promise<void> {
  const call = readGgufCall(isChat, { model: options.name, ...body });
  const promptTokens = llama.count(call.prompt);
  const maxTokens = call.maxTokens ?? llama.contextTokensMax - promptTokens;
  if (maxTokens < 1 || promptTokens + maxTokens > llama.contextTokensMax) {
    throw new GgufError(
      400,
      `maximum context length is ${llama.contextTokensMax} tokens, ` +
        `not ${promptTokens} of prompt and ${maxTokens} of completion`,
      isChat ? "messages" : "prompt",
    );
  }
  const controller = new AbortController();
  response.once("close", () => controller.abort());
  const { signal } = controller;
  const slot = await slots.take(call.salt, options.waitMsMax, signal);
  if (!slot) throw new GgufError(503, "all slots are taken");
  try {
    const writer = openAnswerWriter(response, {
      ...call,
      isChat,
      model: options.name,
      promptTokens,
      id: randomUUID().replaceAll("-", ""),
      startedAtMs: performance.timeOrigin + performance.now(),
    });
    const cachedTokens = await llama.read(slot, call.prompt, signal);
    if (!signal.aborted)
      writer.finish(await llama.generate(slot, { ...call, maxTokens, signal, onText: writer.write }), cachedTokens);
  } catch (error) {
    // When the caller left before the first token, node-llama-cpp throws.
    if (!signal.aborted) throw error;
  } finally {
    slots.release(slot);
  }
}

/** A GgufError is answered as it says; anything else is 500, or a closed connection where the answer had begun. */
function fail({ options }: GgufRooms, response: ServerResponse, error: unknown): void {
  if (error instanceof GgufError) return sendJson(response, error.status, error.body);
  options.log(`failed: ${describeError(error)}`);
  if (response.headersSent) return void response.destroy();
  sendJson(response, 500, {
    error: { message: "Internal Server Error", type: "InternalServerError", param: null, code: 500 },
  });
}

async function readJsonBody(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > bodyBytesMax) throw new GgufError(400, "the body is too large");
  }
  const json = parseObject(Buffer.concat(chunks).toString("utf8"));
  if (json) return json;
  throw new GgufError(400, "the body is not a JSON object");
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function formatUrl(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
