import { Agent, request, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { Refusal } from "#edge/errors.ts";
import type { EngineConfig } from "../config.ts";
import { causeOf } from "../log.ts";
import { dialects, type Dialect } from "./dialects.ts";

/** One HTTP exchange with an engine. Headers are built here and never copied from anyone (S7). */
export interface Ask {
  method: "GET" | "POST";
  path: string;
  body?: string;
  /** The hold: the engine's own log and its oracle in tests name the call by it. */
  requestId?: string;
  /** Ends the exchange; of a stream only until its head is there: what to do with the rest is then its reader's affair. */
  signal?: AbortSignal;
  isStream?: boolean;
}

export interface Engine {
  readonly config: EngineConfig;
  readonly dialect: Dialect;
  /** Resolves with the answer's head, whatever its status; the body is the caller's to read. Throws a Refusal when none comes. */
  ask(ask: Ask): Promise<IncomingMessage>;
  /** The whole answer to a small question; status 0 when nobody listens, `null` when it fails otherwise, takes longer than `msMax` or is larger than 4 MiB. */
  askText(ask: Ask, msMax: number): Promise<{ status: number; text: string } | null>;
  close(): void;
}

const answerBytesMax = 4 * 1024 * 1024;

/** A client for one engine over kept-alive sockets; as many as there are calls, since capacity.ts bounds those. */
export function openEngine(config: EngineConfig): Engine {
  const base = new URL(config.url);
  const isTls = base.protocol === "https:";
  const sockets = isTls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true, maxFreeSockets: 64 });
  const prefix = base.pathname.replace(/\/+$/, "");
  const send = isTls ? tlsRequest : request;

  function open(ask: Ask, isRetry: boolean): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { body, signal } = ask;
      const outgoing: ClientRequest = send({
        // Once more means on a socket of its own: after a restart of the engine every kept one is dead.
        agent: isRetry ? false : sockets,
        host: base.hostname.replace(/^\[|\]$/g, ""),
        port: base.port || (isTls ? 443 : 80),
        method: ask.method,
        path: prefix + ask.path,
        headers: headersOf(config, ask),
      });
      const leave = () => outgoing.destroy(new DOMException("left", "AbortError"));
      if (signal?.aborted) leave();
      signal?.addEventListener("abort", leave, { once: true });
      outgoing.once("close", () => signal?.removeEventListener("abort", leave));
      outgoing.on("response", (answer) => {
        if (ask.isStream) signal?.removeEventListener("abort", leave);
        resolve(answer);
      });
      outgoing.on("error", (error) => {
        // An engine may close a kept-alive socket just as we write on it: nothing was read by it, so once more is safe.
        const isStale = outgoing.reusedSocket && causeOf(error) === "ECONNRESET" && !isRetry && !signal?.aborted;
        if (isStale) open(ask, true).then(resolve, reject);
        else reject(refusalOf(error));
      });
      outgoing.end(body);
    });
  }

  return {
    config,
    dialect: dialects[config.kind],
    ask: (ask) => open(ask, false),
    async askText(ask, msMax) {
      try {
        const answer = await open({ ...ask, signal: AbortSignal.timeout(msMax) }, false);
        return { status: answer.statusCode ?? 0, text: await readText(answer, answerBytesMax) };
      } catch (error) {
        return error instanceof Refusal && error.code === "no_healthy_backends" ? { status: 0, text: "" } : null;
      }
    },
    close: () => sockets.destroy(),
  };
}

/** The whole body as text. Throws a Refusal when it breaks off or is larger than `bytesMax`. */
export async function readText(answer: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > bytesMax) throw new Refusal("bad_gateway", { log: "engine_answer_too_large" });
    }
  } catch (cause) {
    throw cause instanceof Refusal ? cause : new Refusal("bad_gateway", { log: `engine_broke_off ${causeOf(cause)}`, cause });
  }
  return Buffer.concat(chunks).toString("utf8");
}

function headersOf(config: EngineConfig, ask: Ask): Record<string, string> {
  return {
    accept: "*/*",
    ...(ask.body !== undefined && { "content-type": "application/json", "content-length": String(Buffer.byteLength(ask.body)) }),
    ...(ask.requestId !== undefined && { "x-request-id": ask.requestId }),
    ...(config.apiKey !== undefined && { authorization: `Bearer ${config.apiKey}` }),
  };
}

const unreachable = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"]);

/** Nothing came back: 503 when nobody listens, 502 when the engine hung up. Both may be tried elsewhere. */
function refusalOf(cause: unknown): Refusal {
  const code = causeOf(cause);
  if (unreachable.has(code)) return new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: `engine_unreachable ${code}`, cause });
  return new Refusal("bad_gateway", { log: `engine_hung_up ${code}`, cause });
}
