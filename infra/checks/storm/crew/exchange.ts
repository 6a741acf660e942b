import { connect, type Socket } from "node:net";
import { findField, MessageReader, readStatus } from "#infra/checks/bench/load/http-messages.ts";
import { readAnswer, type AttemptOutcome } from "./outcome.ts";
import type { CallPlan, Moment } from "../plan/plan.ts";

/** What is sent, and who hears of a call while it runs. */
export interface ExchangeRequest {
  call: CallPlan;
  key: string;
  port: number;
  onMoment(moment: Moment): void;
}

/** The result of an exchange, before it is known whose it was. */
export type ExchangeOutcome = Omit<AttemptOutcome, "caller" | "call" | "attempt" | "edge">;

/** A call may take this much longer than its own deadline; then it hangs, and that is a finding. */
const hangMs = 60_000;

/** A caller's socket. It is kept alive from call to call while it lasts; leaving a call closes it. */
export class CallerConnection {
  #socket: Socket | null = null;
  #port = 0;

  /** One call and its answer. Never rejects: whatever happens is an outcome. */
  exchange(request: ExchangeRequest): Promise<ExchangeOutcome> {
    const { call } = request;
    const startedAtMs = Date.now();
    return new Promise((resolve) => {
      let head = "";
      let body = "";
      let events = 0;
      let isEnded = false;
      const socket = this.#open(request.port);
      const watchdog = setTimeout(() => finish("hung"), call.timeoutMs + hangMs);
      const finish = (how: AttemptOutcome["how"]) => {
        if (isEnded) return;
        isEnded = true;
        clearTimeout(watchdog);
        socket.removeAllListeners("data").removeAllListeners("close");
        if (how !== "ended") this.close();
        const status = head === "" ? null : readStatus(head);
        const read =
          status === null
            ? { code: null, seen: 0, isDone: false, reported: null }
            : readAnswer(call.isStream, status, body);
        if (how === "ended") request.onMoment("end");
        resolve({
          ...read,
          startedAtMs,
          endedAtMs: Date.now(),
          status,
          hold: head === "" ? null : findField(head, "x-penstock-hold"),
          how,
        });
      };
      const reader = new MessageReader({
        head: (text) => {
          head = text;
          if (readStatus(text) === 200) request.onMoment("head");
        },
        body: (bytes) => {
          const text = bytes.toString("utf8");
          body += text;
          const count = text.split("data: ").length - 1;
          if (count === 0) return;
          events += count;
          request.onMoment("event");
          if (call.leavesAfter !== null && events >= call.leavesAfter) finish("aborted");
        },
        end: () => finish("ended"),
      });
      socket.on("data", (bytes: Buffer) => !isEnded && reader.push(bytes));
      socket.once("close", () => finish("broken"));
      socket.write(writeRequest(request));
      request.onMoment("call");
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #open(port: number): Socket {
    if (this.#socket && !this.#socket.destroyed && this.#port === port) return this.#socket;
    this.close();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => socket.destroy());
    this.#port = port;
    this.#socket = socket;
    return socket;
  }
}

function writeRequest({ call, key }: ExchangeRequest): string {
  const { endpoint, model, prompt, tokens, isStream, isToTheEnd, wantsUsage } = call;
  const input = endpoint === "chat" ? { messages: [{ role: "user", content: prompt }] } : { prompt };
  const body = JSON.stringify({
    model,
    ...input,
    max_tokens: tokens,
    ...(isToTheEnd && { ignore_eos: true }),
    ...(isStream && { stream: true }),
    ...(wantsUsage && { stream_options: { include_usage: true } }),
  });
  const fields = [
    `POST /v1/${endpoint === "chat" ? "chat/completions" : "completions"} HTTP/1.1`,
    "host: 127.0.0.1",
    `authorization: Bearer ${key}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-penstock-timeout-ms: ${call.timeoutMs}`,
    ...(call.again === null ? [] : [`idempotency-key: ${call.again}`]),
  ];
  return `${fields.join("\r\n")}\r\n\r\n${body}`;
}
