import type { IncomingMessage, ServerResponse } from "node:http";
import type { Outcome } from "#edge/agreements/usage.ts";
import { Refusal } from "#edge/errors.ts";
import { checkpointMs, checkpointTokens } from "#edge/limits.ts";
import type { Chunks } from "./chunks.ts";
import type { AgentLimits } from "./config.ts";
import type { EventWriter } from "./event-writer.ts";
import { Frames } from "./frames.ts";
import type { Tally } from "./tally.ts";

/** How a call ended. `refusal` is what the caller is still told, if she is there; a whole answer has none. */
export interface Ending {
  outcome: Outcome;
  refusal: Refusal | null;
}

export interface StreamParts {
  engineAnswer: IncomingMessage;
  response: ServerResponse;
  writer: EventWriter;
  chunks: Chunks;
  tally: Tally;
  limits: Pick<AgentLimits, "streamIdleMsMax" | "pingMs">;
  /** Aborted with an Ending as its reason: the caller left, the deadline came, the agent stops. */
  signal: AbortSignal;
  onFirstToken(): void;
  onCheckpoint(): void;
  onPing(): void;
}

/** What ends the stream: the caller's own end or one of ours. */
export function endingOf(reason: unknown): Ending {
  if (typeof reason === "object" && reason !== null && "outcome" in reason && "refusal" in reason) {
    const { outcome, refusal } = reason;
    if (outcome === "cut" || outcome === "broken") return { outcome, refusal: refusal instanceof Refusal ? refusal : null };
  }
  return { outcome: "cut", refusal: null };
}

const broken = (log: string): Ending => ({ outcome: "broken", refusal: new Refusal("stream_broken", { log }) });

/**
 * Passes an engine's stream on, event by event, and resolves when it has ended; it writes neither `[DONE]` nor the error event, since the record
 * must be kept first. Never faster than the caller reads; a comment when nothing was said for `pingMs`; broken when the engine makes
 * nothing for `streamIdleMsMax` while we listen, hangs up, or reports an error (then `[DONE]` behind it means nothing).
 */
export function passStream(parts: StreamParts): Promise<Ending> {
  const { engineAnswer, response, writer, chunks, tally, limits, signal } = parts;
  return new Promise((resolve) => {
    const frames = new Frames();
    let isOver = false;
    let checkpointAt = 0;
    let hasToken = false;
    const ping = setInterval(() => {
      if (response.writableNeedDrain) return;
      writer.write(": ping\n\n");
      parts.onPing();
    }, limits.pingMs);
    const idle = setTimeout(() => !engineAnswer.isPaused() && end(broken("engine_idle")), limits.streamIdleMsMax);
    const checkpoints = setInterval(noteCheckpoint, checkpointMs);

    function end(ending: Ending): void {
      if (isOver) return;
      isOver = true;
      clearInterval(ping);
      clearTimeout(idle);
      clearInterval(checkpoints);
      signal.removeEventListener("abort", leave);
      response.off("drain", goOn);
      engineAnswer.off("data", take);
      if (ending.outcome === "done") letGo(engineAnswer);
      else engineAnswer.destroy();
      resolve(ending);
    }

    function take(bytes: Buffer): void {
      let payloads: string[];
      try {
        payloads = frames.push(bytes);
      } catch {
        return end(broken("event_too_large"));
      }
      if (payloads.length === 0) return;
      idle.refresh();
      const { text, ending } = passAll(payloads);
      if (text !== "") {
        ping.refresh();
        if (!writer.write(text)) engineAnswer.pause();
      }
      if (ending) return end(ending);
      if (!hasToken && tally.hasContent) {
        hasToken = true;
        parts.onFirstToken();
      }
      if (tally.completionSoFar - checkpointAt >= checkpointTokens) noteCheckpoint();
    }

    function passAll(payloads: string[]): { text: string; ending: Ending | null } {
      let text = "";
      for (const payload of payloads) {
        if (payload === "[DONE]") return { text, ending: chunks.hasFinished ? { outcome: "done", refusal: null } : broken("done_without_finish") };
        const passed = chunks.read(payload);
        if (passed === null) return { text, ending: broken("engine_error_event") };
        if (tally.isOverHold) return { text, ending: broken("over_hold") };
        if (passed !== "") text += `data: ${passed}\n\n`;
      }
      return { text, ending: null };
    }

    function noteCheckpoint(): void {
      const tokens = tally.completionSoFar;
      if (tokens === checkpointAt) return;
      checkpointAt = tokens;
      parts.onCheckpoint();
    }

    function goOn(): void {
      idle.refresh();
      engineAnswer.resume();
    }

    function leave(): void {
      end(endingOf(signal.reason));
    }

    function hangUp(): void {
      const isDone = engineAnswer.complete && frames.finish() === "[DONE]" && chunks.hasFinished;
      end(isDone ? { outcome: "done", refusal: null } : broken("engine_hung_up"));
    }

    signal.addEventListener("abort", leave);
    response.on("drain", goOn);
    engineAnswer.on("data", take).on("end", hangUp).on("error", hangUp).on("close", hangUp);
    if (signal.aborted) leave();
  });
}

/** After `[DONE]` the engine only closes its body: its socket goes back for the next call, unless it dawdles. */
function letGo(engineAnswer: IncomingMessage): void {
  engineAnswer.resume();
  const timer = setTimeout(() => engineAnswer.destroy(), 1_000);
  engineAnswer.once("close", () => clearTimeout(timer));
}
