import { Refusal } from "#edge/errors.ts";
import type { EngineAnswer } from "../../engines/http/connection.ts";
import { readEnding, type Ending } from "../stream/stream-answer.ts";
import { startIdleTimer } from "../stream/idle-timer.ts";
import type { EventWriter } from "../stream/writer/event-writer.ts";

/** What sound passes through. */
export interface SoundParts {
  engineAnswer: EngineAnswer;
  writer: Omit<EventWriter, "end">;
  /** The engine may be silent for so long while we read, in ms. */
  idleMsMax: number;
  /** Aborted with an Ending: the caller left, the deadline came, the agent stops. */
  signal: AbortSignal;
}

const completed: Ending = { outcome: "completed", refusal: null };
const buildFailure = (log: string): Ending => ({ outcome: "failed", refusal: new Refusal("stream_broken", { log }) });

/**
 * Passes an engine's sound on as it comes, never faster than the caller reads, and resolves when it has ended; it does
 * not end the answer, since the record must be kept first.
 */
export function passSound({ engineAnswer, writer, idleMsMax, signal }: SoundParts): Promise<Ending> {
  return new Promise((resolve) => {
    const end = (ending: Ending) => {
      idle.stop();
      signal.removeEventListener("abort", abort);
      writer.onDrain = () => {};
      if (ending.outcome !== "completed") engineAnswer.destroy();
      resolve(ending);
    };
    const abort = () => end(readEnding(signal.reason));
    const idle = startIdleTimer(idleMsMax, () => !engineAnswer.isPaused && end(buildFailure("engine_idle")));
    signal.addEventListener("abort", abort);
    writer.onDrain = () => {
      idle.touch(performance.now());
      engineAnswer.resume();
    };
    if (signal.aborted) return abort();
    engineAnswer.listen({
      text(text) {
        idle.touch(performance.now());
        if (!writer.write(text)) engineAnswer.pause();
      },
      end: (isWhole) =>
        end(signal.aborted ? readEnding(signal.reason) : isWhole ? completed : buildFailure("engine_hung_up")),
    });
  });
}
