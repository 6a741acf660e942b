import type { Outcome } from "#edge/agreements/records/usage.ts";
import { Refusal } from "#edge/errors.ts";
import { checkpointMs, checkpointTokens } from "#edge/limits.ts";
import type { AgentLimits } from "../../config.ts";
import { engineDrainMsMax, type EngineAnswer } from "../../engines/http/connection.ts";
import type { EventWriter } from "./writer/event-writer.ts";
import { SseDecoder } from "./sse-decoder.ts";
import { startIdleTimer, type IdleTimer } from "./idle-timer.ts";
import type { UsageMeter } from "../usage-meter.ts";

/** How a call ended. `refusal` is sent to the caller if they are still there; a whole answer has none. */
export interface Ending {
  outcome: Outcome;
  refusal: Refusal | null;
}

/** Who reads a stream's payloads: to pass them on, or to put them together. */
export interface PayloadReader {
  /** The id that the engine gave its answer; `null` before the first chunk. */
  readonly responseId: string | null;
  /** Some choice has finished: without that, `[DONE]` is no success. */
  readonly hasFinished: boolean;
  /** Every choice has finished and its usage is known: nothing is missing but `[DONE]`. */
  readonly isWhole: boolean;
  /** What goes on; "" when there is nothing in it; `null` when it is an error or no chunk at all. */
  read(payload: string): string | null;
  /** What was read, as it goes over the wire. */
  frame(payload: string): string;
}

/** What one stream passes through, and who is called on its way. */
export interface StreamParts {
  engineAnswer: EngineAnswer;
  writer: Omit<EventWriter, "end">;
  rewriter: PayloadReader;
  meter: UsageMeter;
  limits: Pick<AgentLimits, "streamIdleMsMax" | "pingMs">;
  /** What keeps a silent connection open, as Latin-1; null where the protocol has nothing of the kind. */
  waitSign: string | null;
  /** Aborted with an Ending as its reason: the caller left, the deadline came, the agent stops. */
  signal: AbortSignal;
  onFirstToken(): void;
  onCheckpoint(): void;
  onPing(): void;
}

/** Reads why a call was aborted: because the caller left, or for a reason of ours. */
export function readEnding(reason: unknown): Ending {
  if (typeof reason === "object" && reason !== null && "outcome" in reason && "refusal" in reason) {
    const { outcome, refusal } = reason;
    if (outcome === "cancelled" || outcome === "failed")
      return { outcome, refusal: refusal instanceof Refusal ? refusal : null };
  }
  return { outcome: "cancelled", refusal: null };
}

const completed: Ending = { outcome: "completed", refusal: null };
const buildFailure = (log: string): Ending => ({ outcome: "failed", refusal: new Refusal("stream_broken", { log }) });

/**
 * Passes an engine's stream on, event by event, and resolves when it has ended; it writes neither `[DONE]` nor the
 * error event, since the record must be kept first. Never faster than the caller reads; a comment when nothing was sent
 * for `pingMs`. The stream fails when the engine generates nothing for `streamIdleMsMax` while we read, hangs up, or
 * reports an error (a `[DONE]` behind an error means nothing).
 */
export function passStream(parts: StreamParts): Promise<Ending> {
  return new Promise((resolve) => new StreamRelay(parts, resolve).begin());
}

class StreamRelay {
  #parts: StreamParts;
  #resolve: (ending: Ending) => void;
  #decoder = new SseDecoder();
  #hasEnded = false;
  #hasToken = false;
  #checkpointAt = 0;
  /** Set when the caller is gone: from then on only what the engine had already sent is counted. */
  #aborted: Ending | null = null;
  /** The first runs out when nothing is sent to the caller, the second when nothing comes from the engine. */
  #pingTimer: IdleTimer;
  #idleTimer: IdleTimer;
  #checkpoints: NodeJS.Timeout;

  constructor(parts: StreamParts, resolve: (ending: Ending) => void) {
    const { limits, engineAnswer } = parts;
    this.#parts = parts;
    this.#resolve = resolve;
    this.#pingTimer = startIdleTimer(limits.pingMs, this.#writePing);
    this.#idleTimer = startIdleTimer(
      limits.streamIdleMsMax,
      () => !engineAnswer.isPaused && this.#end(buildFailure("engine_idle")),
    );
    this.#checkpoints = setInterval(this.#checkpoint, checkpointMs);
  }

  begin(): void {
    const { engineAnswer, writer, signal } = this.#parts;
    signal.addEventListener("abort", this.#abort);
    writer.onDrain = this.#resume;
    engineAnswer.listen({ text: this.#receive, end: this.#finish });
    if (signal.aborted) this.#abort();
  }

  #end(ending: Ending): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { engineAnswer, writer, signal } = this.#parts;
    this.#pingTimer.stop();
    this.#idleTimer.stop();
    clearInterval(this.#checkpoints);
    signal.removeEventListener("abort", this.#abort);
    writer.onDrain = () => {};
    if (ending.outcome === "completed") releaseEngine(engineAnswer);
    else engineAnswer.destroy();
    this.#resolve(ending);
  }

  #receive = (read: string): void => {
    const { engineAnswer, writer, meter } = this.#parts;
    const payloads = this.#decode(read);
    if (payloads.length === 0) return;
    if (this.#aborted) return void this.#rewriteAll(payloads);
    const nowMs = performance.now();
    const seen = meter.contentChunks;
    const { text, ending } = this.#rewriteAll(payloads);
    if (text !== "") {
      this.#idleTimer.touch(nowMs);
      this.#pingTimer.touch(nowMs);
      if (!writer.write(text)) engineAnswer.pause();
    } else if (meter.contentChunks > seen) this.#idleTimer.touch(nowMs);
    if (!this.#hasToken && meter.hasContent) {
      this.#hasToken = true;
      this.#parts.onFirstToken();
    }
    if (ending) return this.#end(ending);
    if (meter.completionSoFar - this.#checkpointAt >= checkpointTokens) this.#checkpoint();
  };

  #decode(read: string): string[] {
    try {
      return this.#decoder.push(read);
    } catch {
      this.#end(buildFailure("event_too_large"));
      return [];
    }
  }

  #rewriteAll(payloads: string[]): { text: string; ending: Ending | null } {
    const { rewriter, meter } = this.#parts;
    let text = "";
    for (const payload of payloads) {
      if (payload === "[DONE]")
        return { text, ending: rewriter.hasFinished ? completed : buildFailure("done_without_finish") };
      const rewritten = rewriter.read(payload);
      if (rewritten === null) return { text, ending: buildFailure("engine_error_event") };
      if (meter.isOverHold) return { text, ending: buildFailure("over_hold") };
      if (rewritten !== "") text += rewriter.frame(rewritten);
    }
    return { text, ending: null };
  }

  #writePing = (): void => {
    const { writer, waitSign } = this.#parts;
    if (waitSign === null || writer.isFull) return;
    writer.write(waitSign);
    this.#parts.onPing();
  };

  #checkpoint = (): void => {
    const tokens = this.#parts.meter.completionSoFar;
    if (tokens === this.#checkpointAt) return;
    this.#checkpointAt = tokens;
    this.#parts.onCheckpoint();
  };

  #resume = (): void => {
    this.#idleTimer.touch(performance.now());
    this.#parts.engineAnswer.resume();
  };

  #abort = (): void => {
    if (this.#hasEnded) return;
    const ending = readEnding(this.#parts.signal.reason);
    if (ending.outcome === "cancelled" && !this.#aborted) this.#drainEngine(ending);
    else this.#end(ending);
  };

  /**
   * Closing our half of the connection tells the engine that nobody reads any more. What it had sent by then is still
   * on its way, and is billed (Q4).
   */
  #drainEngine(ending: Ending): void {
    const { engineAnswer } = this.#parts;
    this.#aborted = ending;
    this.#pingTimer.stop();
    this.#idleTimer.stop();
    // Before what may end the stream at once: from then on nobody stops a timer.
    this.#idleTimer = startIdleTimer(engineDrainMsMax, () => this.#end(ending));
    engineAnswer.resume();
    engineAnswer.leave();
  }

  /**
   * A body that ended properly may lack the blank line behind `[DONE]`. It may lack all of `[DONE]` when nothing else
   * is missing: the caller has the answer, and the engine has reported its usage.
   */
  #finish = (isWhole: boolean): void => {
    if (this.#aborted) return this.#end(this.#aborted);
    const { rewriter } = this.#parts;
    const rest = this.#decoder.finish();
    const isDone = rest === "[DONE]" ? rewriter.hasFinished : rest === null && rewriter.isWhole;
    this.#end(isWhole && isDone ? completed : buildFailure("engine_hung_up"));
  };
}

/**
 * After `[DONE]` the engine only closes its body: its connection is used again for the next call, unless it takes too
 * long.
 */
function releaseEngine(engineAnswer: EngineAnswer): void {
  const timer = setTimeout(() => engineAnswer.destroy(), 1_000);
  engineAnswer.listen({ text: () => {}, end: () => clearTimeout(timer) });
  engineAnswer.resume();
}
