import { Refusal } from "#edge/errors.ts";
import type { EngineConfig } from "../../config.ts";
import { causeOf } from "../../log.ts";
import { dialects, type Dialect } from "../dialects.ts";
import { Line, type EngineAnswer } from "./connection.ts";

/** One HTTP exchange with an engine. Headers are built here and never copied from anyone (S7). */
export interface Ask {
  method: "GET" | "POST";
  path: string;
  body?: string;
  /** The hold: the engine's own log and its oracle in tests name the call by it. */
  requestId?: string;
  /**
   * Ends the exchange; of a stream only until its head is there: what to do with the rest is then its reader's affair.
   */
  signal?: AbortSignal;
  isStream?: boolean;
}

export interface Engine {
  readonly config: EngineConfig;
  readonly dialect: Dialect;
  /**
   * Resolves with the answer's head, whatever its status; the body is the caller's to read. Throws a Refusal when none
   * comes.
   */
  ask(ask: Ask): Promise<EngineAnswer>;
  /**
   * The whole answer to a small question; status 0 when nobody listens, `null` when it fails otherwise, takes longer
   * than `msMax` or is larger than 4 MiB.
   */
  askText(ask: Ask, msMax: number): Promise<{ status: number; text: string } | null>;
  close(): void;
}

const answerBytesMax = 4 * 1024 * 1024;
const idleLinesMax = 64;

/** A client for one engine over kept-alive connections: as many as there are calls, which capacity.ts bounds. */
export function openEngine(config: EngineConfig): Engine {
  const base = new URL(config.url);
  const isTls = base.protocol === "https:";
  const place = { host: base.hostname.replace(/^\[|\]$/g, ""), port: Number(base.port || (isTls ? 443 : 80)), isTls };
  const lines = new Set<Line>();
  const idle: Line[] = [];

  function connect(): Line {
    const line = new Line(place, keepLine, dropLine);
    lines.add(line);
    return line;
  }

  function keepLine(line: Line): void {
    if (idle.length < idleLinesMax) idle.push(line);
    else line.close();
  }

  function dropLine(line: Line): void {
    lines.delete(line);
    const at = idle.indexOf(line);
    if (at >= 0) idle.splice(at, 1);
  }

  /** `isRetry`: on a new connection, since after a restart of the engine every kept one is dead. */
  async function open(ask: Ask, isRetry: boolean): Promise<EngineAnswer> {
    const { signal } = ask;
    if (signal?.aborted) throw refusalOf(left());
    const line = (isRetry ? undefined : idle.pop()) ?? connect();
    const { isReused } = line;
    const answer = line.ask(writeRequest(config, base, ask));
    const leave = () => answer.fail(left());
    signal?.addEventListener("abort", leave);
    try {
      await answer.head;
      if (ask.isStream) signal?.removeEventListener("abort", leave);
      return answer;
    } catch (error) {
      signal?.removeEventListener("abort", leave);
      // An engine may close a kept connection just as we write to it. It has read nothing, so once more is safe.
      if (isReused && answer.isUnheard && !signal?.aborted) return open(ask, true);
      throw refusalOf(error);
    }
  }

  return {
    config,
    dialect: dialects[config.kind],
    ask: (ask) => open(ask, false),
    async askText(ask, msMax) {
      try {
        const answer = await open({ ...ask, signal: AbortSignal.timeout(msMax) }, false);
        return { status: answer.status, text: await readText(answer, answerBytesMax) };
      } catch (error) {
        return error instanceof Refusal && error.code === "no_healthy_backends" ? { status: 0, text: "" } : null;
      }
    },
    close: () => lines.forEach((line) => line.close()),
  };
}

/** The whole body as text. Throws a Refusal when it breaks off or is larger than `bytesMax`. */
export function readText(answer: EngineAnswer, bytesMax: number): Promise<string> {
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
function writeRequest(config: EngineConfig, base: URL, ask: Ask): string {
  const { method, path, body, requestId } = ask;
  let head = `${method} ${base.pathname.replace(/\/+$/, "")}${path} HTTP/1.1\r\nhost: ${base.host}\r\naccept: */*\r\n`;
  if (requestId !== undefined) head += `x-request-id: ${requestId}\r\n`;
  if (config.apiKey !== undefined) head += `authorization: Bearer ${config.apiKey}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function left(): DOMException {
  return new DOMException("left", "AbortError");
}

const unreachable = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"]);

/** Nothing came back: 503 when nobody listens, 502 when the engine hung up. Both may be tried elsewhere. */
function refusalOf(cause: unknown): Refusal {
  const code = causeOf(cause);
  if (unreachable.has(code))
    return new Refusal("no_healthy_backends", { retryAfterMs: 1_000, log: `engine_unreachable ${code}`, cause });
  return new Refusal("bad_gateway", { log: `engine_hung_up ${code}`, cause });
}
