import type { Outcome } from "#edge/agreements/records/usage.ts";
import { Refusal } from "#edge/errors.ts";
import { checkpointMs, checkpointTokens } from "#edge/limits.ts";
import type { Chunks } from "./chunk-rewriter.ts";
import type { AgentLimits } from "../../config.ts";
import type { EngineAnswer } from "../../engines/http/connection.ts";
import type { EventWriter } from "./event-writer.ts";
import { Frames } from "./sse-decoder.ts";
import { watchSilence, type Silence } from "./idle-timer.ts";
import type { Tally } from "../usage-meter.ts";

/** How a call ended. `refusal` is sent to the caller if they are still there; a whole answer has none. */
export interface Ending {
  outcome: Outcome;
  refusal: Refusal | null;
}

/** What one stream passes through, and who is called on its way. */
export interface StreamParts {
  engineAnswer: EngineAnswer;
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

/** Reads why a call was aborted: because the caller left, or for a reason of ours. */
export function endingOf(reason: unknown): Ending {
  if (typeof reason === "object" && reason !== null && "outcome" in reason && "refusal" in reason) {
    const { outcome, refusal } = reason;
    if (outcome === "cancelled" || outcome === "failed")
      return { outcome, refusal: refusal instanceof Refusal ? refusal : null };
  }
  return { outcome: "cancelled", refusal: null };
}

const done: Ending = { outcome: "completed", refusal: null };
const broken = (log: string): Ending => ({ outcome: "failed", refusal: new Refusal("stream_broken", { log }) });

/**
 * Passes an engine's stream on, event by event, and resolves when it has ended; it writes neither `[DONE]` nor the
 * error event, since the record must be kept first. Never faster than the caller reads; a comment when nothing was sent
 * for `pingMs`. The stream fails when the engine generates nothing for `streamIdleMsMax` while we read, hangs up, or
 * reports an error (a `[DONE]` behind an error means nothing).
 */
export function passStream(parts: StreamParts): Promise<Ending> {
  return new Promise((resolve) => new Passage(parts, resolve).begin());
}

/** An engine closes a connection that nobody reads within milliseconds; if it does not, we close it. */
const listenOutMsMax = 300;

class Passage {
  #parts: StreamParts;
  #resolve: (ending: Ending) => void;
  #frames = new Frames();
  #isOver = false;
  #hasToken = false;
  #checkpointAt = 0;
  /** Set when the caller is gone: from then on only what the engine had already sent is counted. */
  #left: Ending | null = null;
  /** The first runs out when nothing is sent to the caller, the second when nothing comes from the engine. */
  #unsaid: Silence;
  #unheard: Silence;
  #checkpoints: NodeJS.Timeout;

  constructor(parts: StreamParts, resolve: (ending: Ending) => void) {
    const { limits, engineAnswer } = parts;
    this.#parts = parts;
    this.#resolve = resolve;
    this.#unsaid = watchSilence(limits.pingMs, this.#writePing);
    this.#unheard = watchSilence(
      limits.streamIdleMsMax,
      () => !engineAnswer.isPaused && this.#end(broken("engine_idle")),
    );
    this.#checkpoints = setInterval(this.#noteCheckpoint, checkpointMs);
  }

  begin(): void {
    const { engineAnswer, writer, signal } = this.#parts;
    signal.addEventListener("abort", this.#leave);
    writer.onDrain = this.#goOn;
    engineAnswer.listen({ text: this.#take, end: this.#hangUp });
    if (signal.aborted) this.#leave();
  }

  #end(ending: Ending): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { engineAnswer, writer, signal } = this.#parts;
    this.#unsaid.stop();
    this.#unheard.stop();
    clearInterval(this.#checkpoints);
    signal.removeEventListener("abort", this.#leave);
    writer.onDrain = () => {};
    if (ending.outcome === "completed") letGo(engineAnswer);
    else engineAnswer.destroy();
    this.#resolve(ending);
  }

  #take = (read: string): void => {
    const { engineAnswer, writer, tally } = this.#parts;
    const payloads = this.#cut(read);
    if (payloads.length === 0) return;
    if (this.#left) return void this.#passAll(payloads);
    const nowMs = performance.now();
    this.#unheard.note(nowMs);
    const { text, ending } = this.#passAll(payloads);
    if (text !== "") {
      this.#unsaid.note(nowMs);
      if (!writer.write(text)) engineAnswer.pause();
    }
    if (!this.#hasToken && tally.hasContent) {
      this.#hasToken = true;
      this.#parts.onFirstToken();
    }
    if (ending) return this.#end(ending);
    if (tally.completionSoFar - this.#checkpointAt >= checkpointTokens) this.#noteCheckpoint();
  };

  #cut(read: string): string[] {
    try {
      return this.#frames.push(read);
    } catch {
      this.#end(broken("event_too_large"));
      return [];
    }
  }

  #passAll(payloads: string[]): { text: string; ending: Ending | null } {
    const { chunks, tally } = this.#parts;
    let text = "";
    for (const payload of payloads) {
      if (payload === "[DONE]") return { text, ending: chunks.hasFinished ? done : broken("done_without_finish") };
      const passed = chunks.read(payload);
      if (passed === null) return { text, ending: broken("engine_error_event") };
      if (tally.isOverHold) return { text, ending: broken("over_hold") };
      if (passed !== "") text += `data: ${passed}\n\n`;
    }
    return { text, ending: null };
  }

  #writePing = (): void => {
    if (this.#parts.writer.isFull) return;
    this.#parts.writer.write(": ping\n\n");
    this.#parts.onPing();
  };

  #noteCheckpoint = (): void => {
    const tokens = this.#parts.tally.completionSoFar;
    if (tokens === this.#checkpointAt) return;
    this.#checkpointAt = tokens;
    this.#parts.onCheckpoint();
  };

  #goOn = (): void => {
    this.#unheard.note(performance.now());
    this.#parts.engineAnswer.resume();
  };

  #leave = (): void => {
    const ending = endingOf(this.#parts.signal.reason);
    if (ending.outcome === "cancelled" && !this.#left) this.#listenOut(ending);
    else this.#end(ending);
  };

  /**
   * Closing our half of the connection tells the engine that nobody reads any more. What it had sent by then is still on
   * its way, and is billed (Q4).
   */
  #listenOut(ending: Ending): void {
    const { engineAnswer } = this.#parts;
    this.#left = ending;
    this.#unsaid.stop();
    this.#unheard.stop();
    engineAnswer.resume();
    engineAnswer.leave();
    this.#unheard = watchSilence(listenOutMsMax, () => this.#end(ending));
  }

  /** A body that ended properly may lack the blank line behind `[DONE]`. */
  #hangUp = (isWhole: boolean): void => {
    if (this.#left) return this.#end(this.#left);
    const isDone = isWhole && this.#frames.finish() === "[DONE]" && this.#parts.chunks.hasFinished;
    this.#end(isDone ? done : broken("engine_hung_up"));
  };
}

/** After `[DONE]` the engine only closes its body: its connection is used again for the next call, unless it takes too long. */
function letGo(engineAnswer: EngineAnswer): void {
  const timer = setTimeout(() => engineAnswer.destroy(), 1_000);
  engineAnswer.listen({ text: () => {}, end: () => clearTimeout(timer) });
  engineAnswer.resume();
}
