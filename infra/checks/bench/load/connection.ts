import { connect, type Socket } from "node:net";
import { MessageReader, readStatus } from "./http-messages.ts";

/** Receives one answer: its status, each piece of its body as it comes, and its end. */
export interface AnswerListener {
  status(status: number): void;
  body(bytes: Buffer): void;
  end(): void;
  /** The connection closed in the middle, or could not be made. */
  fail(cause: Error): void;
}

/**
 * One keep-alive connection that carries one call at a time. When the peer has closed it in between, the next call
 * opens it anew.
 */
export class Connection {
  readonly #port: number;
  #socket: Socket | null = null;
  #answer: AnswerListener | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends a request; `answer.end` or `answer.fail` comes exactly once. Throws while another call is under way. */
  call(request: Buffer, answer: AnswerListener): void {
    if (this.#answer) throw new Error("a call is under way");
    this.#answer = answer;
    this.#socket ??= this.#open();
    this.#socket.write(request);
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
    const reader = new MessageReader({
      head: (text) => this.#answer?.status(readStatus(text)),
      body: (bytes) => this.#answer?.body(bytes),
      end: () => this.#take()?.end(),
    });
    socket.on("data", (bytes: Buffer) => reader.push(bytes));
    let why = new Error("the peer closed the connection");
    socket.on("error", (cause) => (why = cause));
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = null;
      this.#take()?.fail(why);
    });
    return socket;
  }

  #take(): AnswerListener | null {
    const answer = this.#answer;
    this.#answer = null;
    return answer;
  }
}

/** One call whose whole answer is wanted. Rejects when the connection breaks. */
export function callOnce(connection: Connection, request: Buffer): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    const pieces: Buffer[] = [];
    connection.call(request, {
      status: (got) => (status = got),
      body: (bytes) => pieces.push(bytes),
      end: () => resolve({ status, body: Buffer.concat(pieces).toString() }),
      fail: reject,
    });
  });
}
