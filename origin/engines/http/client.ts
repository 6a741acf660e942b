import { Refusal } from "#edge/errors.ts";
import type { EngineConfig } from "../../config.ts";
import { readCause } from "../../log.ts";
import { dialects, type Dialect } from "../dialects.ts";
import { EngineConnection, engineDrainMsMax, type EngineAnswer } from "./connection.ts";

/** One HTTP exchange with an engine. Headers are built here and never copied from anyone (S7). */
export interface EngineRequest {
  method: "GET" | "POST";
  path: string;
  body?: string | Uint8Array;
  /** The media type of the body; JSON unless said. */
  contentType?: string;
  /** The hold: the engine's own log and its oracle in tests name the call by it. */
  requestId?: string;
  /**
   * Ends the exchange; of a stream only until its head is there: what to do with the rest is then its reader's affair.
   * An engine that may have begun a stream is left, not cut off: its head may be on its way, and tokens with it.
   */
  signal?: AbortSignal;
  isStream?: boolean;
  /** Called once the whole request has left us. */
  onSent?: () => void;
}

/** One engine, as calls use it: its config, and how to ask it. */
export interface Engine {
  readonly config: EngineConfig;
  readonly dialect: Dialect;
  /**
   * Resolves with the answer's head, whatever its status; the body is the caller's to read. Throws a Refusal when none
   * comes.
   */
  request(request: EngineRequest): Promise<EngineAnswer>;
  /**
   * The whole answer to a small question; status 0 when nobody listens, `null` when it fails otherwise, takes longer
   * than `msMax` or is larger than 4 MiB.
   */
  requestText(request: EngineRequest, msMax: number): Promise<{ status: number; text: string } | null>;
  close(): void;
}

const answerBytesMax = 4 * 1024 * 1024;
const idleConnectionsMax = 64;

/** A client for one engine over kept-alive connections: as many as there are calls, which capacity.ts bounds. */
export function openEngine(config: EngineConfig): Engine {
  const base = new URL(config.url);
  const isTls = base.protocol === "https:";
  const address = { host: base.hostname.replace(/^\[|\]$/g, ""), port: Number(base.port || (isTls ? 443 : 80)), isTls };
  const connections = new Set<EngineConnection>();
  const idle: EngineConnection[] = [];

  function connect(): EngineConnection {
    const connection = new EngineConnection(address, keepConnection, dropConnection);
    connections.add(connection);
    return connection;
  }

  function keepConnection(connection: EngineConnection): void {
    if (idle.length < idleConnectionsMax) idle.push(connection);
    else connection.close();
  }

  function dropConnection(connection: EngineConnection): void {
    connections.delete(connection);
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
  }

  /** `isRetry`: on a new connection, since after a restart of the engine every kept one is dead. */
  async function open(request: EngineRequest, isRetry: boolean): Promise<EngineAnswer> {
    const { signal } = request;
    if (signal?.aborted) throw translateFailure(createAbortError());
    const connection = (isRetry ? undefined : idle.pop()) ?? connect();
    const { isReused } = connection;
    const answer = connection.send(writeRequest(config, base, request), request.onSent);
    const leave = () => giveUp(answer, request.isStream === true);
    signal?.addEventListener("abort", leave);
    try {
      await answer.head;
      if (request.isStream) signal?.removeEventListener("abort", leave);
      return answer;
    } catch (error) {
      signal?.removeEventListener("abort", leave);
      // An engine may close a kept connection just as we write to it. It has read nothing, so once more is safe.
      if (isReused && answer.isUnanswered && !signal?.aborted) return open(request, true);
      throw translateFailure(error);
    }
  }

  return {
    config,
    dialect: dialects[config.kind],
    request: (request) => open(request, false),
    async requestText(request, msMax) {
      try {
        const answer = await open({ ...request, signal: AbortSignal.timeout(msMax) }, false);
        return { status: answer.status, text: await readAnswerText(answer, answerBytesMax) };
      } catch (error) {
        return error instanceof Refusal && error.code === "no_healthy_backends" ? { status: 0, text: "" } : null;
      }
    },
    close: () => connections.forEach((connection) => connection.close()),
  };
}

/** The whole body as text. Throws a Refusal when it breaks off or is larger than `bytesMax`. */
export function readAnswerText(answer: EngineAnswer, bytesMax: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let latin1 = "";
    answer.listen({
      text(text) {
        latin1 += text;
        if (latin1.length <= bytesMax) return;
        answer.destroy();
        reject(new Refusal("bad_gateway", { log: "engine_answer_too_large" }));
      },
      end(isWhole) {
        if (isWhole) resolve(Buffer.from(latin1, "latin1").toString("utf8"));
        else reject(new Refusal("bad_gateway", { log: "engine_broke_off" }));
      },
    });
  });
}

/** Head and body of a request. Values come from our config and our own ids, which hold no line end. */
function writeRequest(config: EngineConfig, base: URL, request: EngineRequest): string | Buffer {
  const { method, path, body, requestId, contentType = "application/json" } = request;
  let head = `${method} ${base.pathname.replace(/\/+$/, "")}${path} HTTP/1.1\r\nhost: ${base.host}\r\naccept: */*\r\n`;
  if (requestId !== undefined) head += `x-request-id: ${requestId}\r\n`;
  if (config.apiKey !== undefined) head += `authorization: Bearer ${config.apiKey}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  head += `content-type: ${contentType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return typeof body === "string" ? head + body : Buffer.concat([Buffer.from(head, "latin1"), body]);
}

/** Waits for the head of a stream that may have begun: tokens may come with it. */
function giveUp(answer: EngineAnswer, isStream: boolean): void {
  if (!isStream || !answer.isSent) return answer.fail(createAbortError());
  answer.leave();
  setTimeout(() => answer.status === 0 && answer.fail(createAbortError()), engineDrainMsMax);
}

function createAbortError(): DOMException {
  return new DOMException("left", "AbortError");
}

const unreachable = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"]);

/** Nothing came back: 503 when nobody listens, 502 when the engine hung up. Both may be tried elsewhere. */
function translateFailure(cause: unknown): Refusal {
  const code = readCause(cause);
  if (unreachable.has(code))
    return new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: `engine_unreachable ${code}`, cause });
  return new Refusal("bad_gateway", { log: `engine_hung_up ${code}`, cause });
}
