import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ResponseParser, ResponseParseError, type ResponseHead } from "./response-parser.ts";

/** Where an engine listens. */
export interface EngineAddress {
  host: string;
  port: number;
  isTls: boolean;
}

/** Receives a body as it comes. Text is Latin-1: one character a byte. */
export interface BodyListener {
  /** Receives what one read of the socket brought. */
  text(text: string): void;
  /** Is called once, and last; `isWhole` is false when the body broke off. */
  end(isWhole: boolean): void;
}

/**
 * An engine closes a connection that nobody reads within milliseconds. What it had sent by then has this long to
 * arrive.
 */
export const engineDrainMsMax = 300;

/** The most that one read takes. */
const readBytesMax = 32 * 1024;

/**
 * One kept-alive connection to an engine; it carries one exchange at a time. Reads land in one buffer and become text
 * at once: no stream, no promise and no buffer for each token.
 */
export class EngineConnection {
  /** It has carried an answer before: the engine may have closed it meanwhile. */
  isReused = false;
  #socket: Socket;
  #answer: EngineAnswer | null = null;
  #onFree: (connection: EngineConnection) => void;

  /** `onFree`: it can carry another request. `onGone`: it never will again. */
  constructor(
    { host, port, isTls }: EngineAddress,
    onFree: (connection: EngineConnection) => void,
    onGone: (connection: EngineConnection) => void,
  ) {
    const buffer = Buffer.allocUnsafeSlow(readBytesMax);
    const take = (bytes: number) => {
      if (this.#answer) this.#answer.push(buffer.toString("latin1", 0, bytes));
      else this.close();
      return true;
    };
    const options = {
      host,
      port,
      onread: { buffer, callback: take },
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 1_000,
    };
    let cause: Error = Object.assign(new Error("the engine hung up"), { code: "ECONNRESET" });
    this.#onFree = onFree;
    this.#socket = isTls ? connectTls({ ...options, ...(isIP(host) === 0 && { servername: host }) }) : connect(options);
    this.#socket.on("error", (error) => (cause = error));
    this.#socket.on("end", () => this.#answer?.finish(cause));
    this.#socket.on("close", () => {
      onGone(this);
      this.#answer?.fail(cause);
    });
  }

  /**
   * Sends a request, written out. Only for a connection that is free. `onSent`: see `isSent` of the answer.
   */
  send(request: string | Buffer, onSent?: () => void): EngineAnswer {
    const answer = new EngineAnswer(this.#socket, () => this.#free(answer));
    this.#answer = answer;
    this.#socket.ref();
    this.#socket.write(request, (error) => {
      if (error) return;
      answer.isSent = true;
      onSent?.();
    });
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  #free({ isReusable, isPaused }: EngineAnswer): void {
    this.#answer = null;
    const socket = this.#socket;
    // An engine that answers before it has read the whole request may take the rest of it for another.
    if (!isReusable || socket.writableLength > 0 || !socket.writable || !socket.readable) return this.close();
    this.isReused = true;
    if (isPaused) socket.resume();
    // Nobody waits for an idle connection, so it keeps no process alive.
    socket.unref();
    this.#onFree(this);
  }
}

/** An engine's answer to one request. */
export class EngineAnswer {
  status = 0;
  fields: ResponseHead["fields"] = new Map();
  /** Resolves when status and fields are there; rejects with the cause when none come. */
  readonly head: Promise<void>;
  hasEnded = false;
  /** The whole request has left us: the engine may be at work on it. */
  isSent = false;
  isPaused = false;
  #socket: Socket;
  #reader: ResponseParser;
  #onEnd: () => void;
  #listener: BodyListener | null = null;
  /** The body that came before anyone listened. */
  #buffered = "";
  #isWhole = false;
  #settle: (cause: Error | null) => void = () => {};
  #onBuffered = () => {};

  constructor(socket: Socket, onEnd: () => void) {
    this.#socket = socket;
    this.#onEnd = onEnd;
    this.head = new Promise((resolve, reject) => (this.#settle = (cause) => (cause ? reject(cause) : resolve())));
    this.#reader = new ResponseParser({
      head: (head) => this.#begin(head),
      body: (text) => this.#pass(text),
      end: () => this.#end(true),
    });
  }

  /** True while nothing of the answer has come: the engine may never have read the request. */
  get isUnanswered(): boolean {
    return !this.#reader.hasBegun;
  }

  /** True when the connection may carry another exchange after this one. */
  get isReusable(): boolean {
    return this.#isWhole && this.#reader.isReusable;
  }

  /**
   * Resolves with the beginning of the body when it comes, "" when the body ends without any or nothing comes for
   * `msMax`. Whoever listens later still receives it.
   */
  peek(msMax: number): Promise<string> {
    if (this.#buffered !== "" || this.hasEnded) return Promise.resolve(this.#buffered);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#onBuffered(), msMax);
      this.#onBuffered = () => {
        clearTimeout(timer);
        resolve(this.#buffered);
      };
    });
  }

  /** Passes the body on from now on, and at once what came before. A second listener replaces the first. */
  listen(listener: BodyListener): void {
    this.#listener = listener;
    const held = this.#buffered;
    this.#buffered = "";
    if (held !== "") listener.text(held);
    if (this.#listener !== listener) return;
    if (this.hasEnded) listener.end(this.#isWhole);
    else if (held !== "") this.resume();
  }

  pause(): void {
    if (this.hasEnded) return;
    this.isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (this.hasEnded) return;
    this.isPaused = false;
    this.#socket.resume();
  }

  /**
   * Half-closes the connection: by that the engine learns that nobody listens any more. What it has sent by then still
   * reaches the listener.
   */
  leave(): void {
    if (!this.hasEnded) this.#socket.end();
  }

  /** Ends the exchange and its connection; the listener hears no more. */
  destroy(): void {
    this.#listener = null;
    this.fail(new Error("left"));
  }

  /** Takes what was read from the socket. */
  push(text: string): void {
    try {
      this.#reader.push(text);
    } catch (error) {
      if (!(error instanceof ResponseParseError)) throw error;
      this.fail(error);
    }
  }

  /** The engine has ended its half of the connection: the end of some answers, a break in all others. */
  finish(cause: Error): void {
    if (!this.#reader.finish()) this.fail(cause);
  }

  /** Ends an answer that broke off or is given up. */
  fail(cause: Error): void {
    if (this.hasEnded) return;
    this.#socket.destroy();
    this.#settle(cause);
    this.#end(false);
  }

  #begin({ status, fields }: ResponseHead): void {
    if (this.hasEnded) return;
    this.status = status;
    this.fields = fields;
    this.#settle(null);
  }

  #pass(text: string): void {
    if (this.hasEnded) return;
    if (this.#listener) return this.#listener.text(text);
    this.#buffered += text;
    this.pause();
    this.#onBuffered();
  }

  #end(isWhole: boolean): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#isWhole = isWhole;
    this.#onBuffered();
    this.#onEnd();
    this.#listener?.end(isWhole);
  }
}
