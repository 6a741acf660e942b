import type { ServerResponse } from "node:http";
import type { FaultRule } from "../faults.ts";

/** What happens to an answer on its way out, reported to whoever makes it. */
export interface WriterEvents {
  /** The caller has left, or a fault has ended the answer: nothing more will be written. */
  onEnd(how: "cancelled" | "failed" | "error"): void;
  /** A fault has stalled the answer. */
  onStall(): void;
  /** A fault kills the server. */
  onKill(): void;
}

/** An error in a stream is written by Python's `json.dumps`, which puts spaces where the rest of vLLM has none. */
const errorEvent =
  '{"error": {"message": "EngineCore encountered an issue. See stack trace (above) for the root cause.", ' +
  '"type": "InternalServerError", "param": null, "code": 500}}';
const strikes = new Set<FaultRule["kind"]>(["kill", "cut", "stall", "error-event"]);

/** An answer's way to the socket, where the faults sit that strike after so many bytes or chunks. */
export class StreamWriter {
  readonly #response: ServerResponse;
  readonly #rules: readonly FaultRule[];
  readonly #events: WriterEvents;
  #chunks = 0;
  #bytes = 0;
  #state: "open" | "stalled" | "done" | "left" = "open";

  constructor(response: ServerResponse, rules: readonly FaultRule[], events: WriterEvents) {
    this.#response = response;
    this.#rules = rules.filter(({ kind }) => strikes.has(kind));
    this.#events = events;
    // As uvicorn does, when the caller's half of the connection ends; Node tells of it only once the whole socket has
    // closed, and drops what is written until then.
    const { socket } = response;
    const onHangUp = () => this.#leave("cancelled");
    socket?.once("end", onHangUp);
    response.on("close", () => {
      socket?.off("end", onHangUp);
      onHangUp();
    });
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether the whole answer has been written. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  /** Whether the socket has taken all that was written. While it has not, new tokens should gather. */
  get isReady(): boolean {
    return this.#state === "open" && !this.#response.writableNeedDrain;
  }

  onReady(resume: () => void): void {
    this.#response.on("drain", resume);
  }

  /** Sends the headers of a stream at once. */
  openStream(): void {
    this.#response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    this.#response.flushHeaders();
    this.#strikeIfDue();
  }

  /** Sends the head of sound at once; its pieces follow. */
  openSound(type: string): void {
    this.#response.writeHead(200, { "content-type": type });
    this.#response.flushHeaders();
    this.#strikeIfDue();
  }

  /** Writes a piece of sound. True when all of it went to the socket. */
  sound(bytes: Buffer): boolean {
    return this.#write(bytes);
  }

  /** The end of the sound. */
  end(): void {
    if (this.isOpen) this.#finish();
  }

  /** Writes one event. True when all of it went to the socket. */
  event(json: string): boolean {
    return this.#write(`data: ${json}\n\n`);
  }

  /** `[DONE]` and the end of the stream. */
  done(): void {
    this.#write("data: [DONE]\n\n");
    if (this.isOpen) this.#finish();
  }

  /** A whole answer. True when all of it went to the socket. */
  whole(status: number, json: string): boolean {
    if (!this.isOpen) return false;
    this.#response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(json) });
    this.#strikeIfDue();
    const isWhole = this.#write(json);
    if (this.isOpen) this.#finish();
    return isWhole;
  }

  #write(text: string | Buffer): boolean {
    if (this.#state !== "open") return false;
    const bytes = this.#rules.length > 0 ? Buffer.byteLength(text) : 0;
    const limit = this.#rules.find(({ afterBytes }) => afterBytes !== undefined && afterBytes < this.#bytes + bytes);
    if (limit) {
      const part = (typeof text === "string" ? Buffer.from(text) : text).subarray(
        0,
        (limit.afterBytes ?? 0) - this.#bytes,
      );
      this.#response.write(part, () => this.#strike(limit));
      this.#state = "stalled";
      return false;
    }
    this.#response.write(text);
    this.#bytes += bytes;
    this.#chunks++;
    this.#strikeIfDue();
    return true;
  }

  #strikeIfDue() {
    const due = this.#rules.find(({ afterChunks, afterBytes }) =>
      afterBytes === undefined ? this.#chunks >= (afterChunks ?? 0) : this.#bytes >= afterBytes,
    );
    if (!due || this.#state !== "open") return;
    if (due.kind === "cut" || due.kind === "kill") {
      this.#state = "stalled";
      // An empty write calls back when what came before it is with the kernel: the caller gets exactly so many chunks.
      this.#response.write("", () => this.#strike(due));
    } else this.#strike(due);
  }

  #strike({ kind }: FaultRule) {
    if (this.#state === "left") return;
    this.#state = "stalled";
    if (kind === "stall") return this.#events.onStall();
    if (kind === "error-event") {
      this.#response.end(`data: ${errorEvent}\n\ndata: [DONE]\n\n`);
      return this.#leave("error");
    }
    this.#leave("failed");
    this.#response.destroy();
    if (kind === "kill") this.#events.onKill();
  }

  #finish() {
    this.#state = "done";
    this.#response.end();
  }

  #leave(how: "cancelled" | "failed" | "error") {
    if (this.#state === "done" || this.#state === "left") return;
    this.#state = "left";
    this.#events.onEnd(how);
  }
}
