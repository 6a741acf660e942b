import { connect, type Socket } from "node:net";
import { fieldOf, MessageReader, statusOf } from "#infra/checks/bench/load/http-messages.ts";
import { readAnswer, type Outcome } from "./outcome.ts";
import type { CallPlan, Moment } from "../plan/plan.ts";

/** What is sent, and who hears of a call while it runs. */
export interface Errand {
  call: CallPlan;
  key: string;
  port: number;
  onMoment(moment: Moment): void;
}

/** What came of an exchange, before it is known whose it was. */
export type Exchanged = Omit<Outcome, "caller" | "call" | "attempt" | "edge">;

/** A call may take this much longer than its own deadline; then it hangs, and that is a finding. */
const hangMs = 60_000;

/** A caller's socket. It is kept alive from call to call while it lasts; leaving a call closes it. */
export class Line {
  #socket: Socket | null = null;
  #port = 0;

  /** One call and its answer. Never rejects: whatever happens is an outcome. */
  exchange(errand: Errand): Promise<Exchanged> {
    const { call } = errand;
    const startedAtMs = Date.now();
    return new Promise((resolve) => {
      let head = "";
      let body = "";
      let events = 0;
      let isOver = false;
      const socket = this.#open(errand.port);
      const watchdog = setTimeout(() => finish("hung"), call.timeoutMs + hangMs);
      const finish = (how: Outcome["how"]) => {
        if (isOver) return;
        isOver = true;
        clearTimeout(watchdog);
        socket.removeAllListeners("data").removeAllListeners("close");
        if (how !== "ended") this.close();
        const status = head === "" ? null : statusOf(head);
        const read =
          status === null
            ? { code: null, seen: 0, isDone: false, reported: null }
            : readAnswer(call.isStream, status, body);
        if (how === "ended") errand.onMoment("end");
        resolve({
          ...read,
          startedAtMs,
          endedAtMs: Date.now(),
          status,
          hold: head === "" ? null : fieldOf(head, "x-penstock-hold"),
          how,
        });
      };
      const reader = new MessageReader({
        head: (text) => {
          head = text;
          if (statusOf(text) === 200) errand.onMoment("head");
        },
        body: (bytes) => {
          const text = bytes.toString("utf8");
          body += text;
          const count = text.split("data: ").length - 1;
          if (count === 0) return;
          events += count;
          errand.onMoment("event");
          if (call.leavesAfter !== null && events >= call.leavesAfter) finish("aborted");
        },
        end: () => finish("ended"),
      });
      socket.on("data", (bytes: Buffer) => !isOver && reader.push(bytes));
      socket.once("close", () => finish("broken"));
      socket.write(requestOf(errand));
      errand.onMoment("call");
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

function requestOf({ call, key }: Errand): string {
  const { endpoint, model, prompt, tokens, isStream, isToTheEnd, wantsUsage } = call;
  const asked = endpoint === "chat" ? { messages: [{ role: "user", content: prompt }] } : { prompt };
  const body = JSON.stringify({
    model,
    ...asked,
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
