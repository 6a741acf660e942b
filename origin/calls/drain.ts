import { Refusal } from "#edge/errors.ts";
import type { Ending } from "./stream/stream-answer.ts";

/** Lets the node stop without losing a stream. */
export interface NodeDrain {
  readonly isDraining: boolean;
  /** New calls are refused from now on. */
  begin(): void;
  /** Takes calls again. */
  cancel(): void;
  /** Begins, and resolves when every call has ended by itself, or was aborted after `msMax` or by `hurry`. */
  finish(msMax: number): Promise<void>;
  /** Aborts what is still in flight, now. */
  hurry(): void;
}

const pollMs = 20;
/** An aborted call only writes its record and its error event, which takes no longer than this. */
const abortedMsMax = 1_500;

/**
 * Opens the switch for draining. `live` holds a controller for each call in flight. An aborted call sends its caller an
 * error event, and the edge may continue it on another node.
 */
export function openDrain(live: ReadonlySet<AbortController>, onChange: () => void): NodeDrain {
  let isDraining = false;
  let isHurried = false;

  function setDraining(to: boolean): void {
    if (isDraining === to) return;
    isDraining = to;
    onChange();
  }

  async function waitUntilEmpty(msMax: number, isEnough: () => boolean): Promise<void> {
    const untilMs = performance.now() + msMax;
    while (live.size > 0 && performance.now() < untilMs && !isEnough())
      await new Promise((resolve) => setTimeout(resolve, pollMs));
  }

  return {
    get isDraining() {
      return isDraining;
    },
    begin: () => setDraining(true),
    cancel: () => setDraining(false),
    hurry: () => void (isHurried = true),
    async finish(msMax) {
      setDraining(true);
      await waitUntilEmpty(msMax, () => isHurried);
      const ending: Ending = { outcome: "failed", refusal: new Refusal("stream_broken", { log: "drained" }) };
      for (const controller of live) controller.abort(ending);
      await waitUntilEmpty(abortedMsMax, () => false);
    },
  };
}
