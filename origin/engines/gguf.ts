import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { isObject, type Body } from "#edge/protocol/owned.ts";
import { ConfigError } from "../config.ts";
import { openLlama, type Llama, type Turn } from "./llama.ts";

/** The server of a GGUF file in this process, for a laptop without a GPU. */
export interface GgufServer {
  url: string;
  /** The file's name without its ending: model id on both sides. */
  model: string;
  close(): Promise<void>;
}

/**
 * Serves a GGUF file with llama.cpp: chat and plain completions, streamed or whole, with usage; /tokenize, /health, /version. One call at a time, others wait. Throws
 * ConfigError when the file or the optional module `node-llama-cpp` is missing, saying how to get it.
 */
export async function serveGguf(path: string, open: (path: string) => Promise<Llama> = openLlama): Promise<GgufServer> {
  if (!existsSync(path)) throw new ConfigError("config_unreadable", `gguf: cannot read ${path}`);
  const llama = await open(path);
  const model = basename(path).replace(/\.gguf$/i, "");
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const result = queue.then(work);
    queue = result.catch(() => {});
    return result;
  };
  const server = createServer((request, response) => {
    serve(llama, model, inTurn, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: urlOf(server), model, close: () => new Promise((resolve) => void server.close(() => resolve())) };
}

type Queue = (work: () => Promise<void>) => Promise<void>;

async function serve(llama: Llama, model: string, inTurn: Queue, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url } = request;
  if (url === "/health") return void response.end();
  if (url === "/version") return answer(response, 200, { version: llama.version });
  const body = await readBody(request);
  if (!body) return refuse(response, "the body is not a JSON object");
  const turns = turnsOf(body);
  if (!turns) return refuse(response, "messages or prompt must be text");
  if (url === "/tokenize") return answer(response, 200, { count: llama.count(turns), max_model_len: llama.contextTokensMax });
  if (url !== "/v1/chat/completions" && url !== "/v1/completions") return answer(response, 404, { error: { message: "no such route", code: 404 } });
  const promptTokens = llama.count(turns);
  const maxTokens = Math.min(numberOf(body["max_tokens"], 16), llama.contextTokensMax - promptTokens);
  if (maxTokens < 1) return refuse(response, `maximum context length is ${llama.contextTokensMax} tokens`);
  const leaving = new AbortController();
  response.on("close", () => leaving.abort());
  const voice = voiceOf(url === "/v1/chat/completions", model, body["stream"] === true, promptTokens, response);
  await inTurn(async () => {
    if (leaving.signal.aborted) return;
    const temperature = numberOf(body["temperature"], 1);
    const reason = await llama.speak(turns, { maxTokens, temperature, signal: leaving.signal, onText: voice.say });
    voice.finish(reason);
  });
}

/** Writes chunks or gathers the whole, in OpenAI's form. */
function voiceOf(isChat: boolean, model: string, isStream: boolean, promptTokens: number, response: ServerResponse) {
  const id = `${isChat ? "chatcmpl" : "cmpl"}-${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`;
  const object = isChat ? (isStream ? "chat.completion.chunk" : "chat.completion") : "text_completion";
  const common = { id, object, created: Math.floor(Date.now() / 1_000), model };
  let text = "";
  let tokens = 0;
  const usage = () => ({ prompt_tokens: promptTokens, completion_tokens: tokens, total_tokens: promptTokens + tokens });
  const event = (choices: unknown[], rest: Body = {}) => response.write(`data: ${JSON.stringify({ ...common, choices, ...rest })}\n\n`);
  const part = (content: string, finish: string | null) => ({ index: 0, ...(isChat ? { delta: content === "" ? {} : { content } } : { text: content }), finish_reason: finish });
  if (isStream) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    if (isChat) event([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]);
  }
  return {
    say(piece: string, pieceTokens: number): void {
      tokens += pieceTokens;
      text += piece;
      if (isStream && piece !== "") event([part(piece, null)]);
    },
    finish(reason: string): void {
      if (!isStream) {
        const choice = isChat ? { index: 0, message: { role: "assistant", content: text }, finish_reason: reason } : { index: 0, text, finish_reason: reason };
        return answer(response, 200, { ...common, choices: [choice], usage: usage() });
      }
      event([part("", reason)]);
      event([], { usage: usage() });
      response.end("data: [DONE]\n\n");
    },
  };
}

function turnsOf(body: Body): Turn[] | null {
  if (typeof body["prompt"] === "string") return [{ role: "raw", text: body["prompt"] }];
  if (!Array.isArray(body["messages"])) return null;
  const turns = body["messages"].map(turnOf);
  return turns.every((turn) => turn !== null) && turns.length > 0 ? turns : null;
}

function turnOf(message: unknown): Turn | null {
  if (!isObject(message)) return null;
  const { role, content } = message;
  const parts: unknown[] = Array.isArray(content) ? content : [{ text: content }];
  const text = parts.map((part) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : "")).join("");
  return { role: role === "system" || role === "developer" ? "system" : role === "assistant" ? "assistant" : "user", text };
}

async function readBody(request: IncomingMessage): Promise<Body | null> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const json: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return isObject(json) ? json : null;
  } catch {
    return null;
  }
}

function refuse(response: ServerResponse, message: string): void {
  answer(response, 400, { error: { message, type: "BadRequestError", param: null, code: 400 } });
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

function urlOf(server: Server): string {
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}
