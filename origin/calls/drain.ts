import { Refusal } from "#edge/errors.ts";
import type { Ending } from "./stream/stream-answer.ts";

/** Lets the node stop without losing a stream. */
export interface Drain {
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

const lookMs = 20;
/** An aborted call only writes its record and its error event, which takes no longer than this. */
const cutMsMax = 1_500;

/**
 * Opens the switch for draining. `live` holds a controller for each call in flight. An aborted call sends its caller an
 * error event, and the edge may continue it on another node.
 */
export function openDrain(live: ReadonlySet<AbortController>, onChange: () => void): Drain {
  let isDraining = false;
  let isHurried = false;

  function turn(to: boolean): void {
    if (isDraining === to) return;
    isDraining = to;
    onChange();
  }

  async function emptied(msMax: number, isEnough: () => boolean): Promise<void> {
    const untilMs = performance.now() + msMax;
    while (live.size > 0 && performance.now() < untilMs && !isEnough())
      await new Promise((resolve) => setTimeout(resolve, lookMs));
  }

  return {
    get isDraining() {
      return isDraining;
    },
    begin: () => turn(true),
    cancel: () => turn(false),
    hurry: () => void (isHurried = true),
    async finish(msMax) {
      turn(true);
      await emptied(msMax, () => isHurried);
      const cut: Ending = { outcome: "failed", refusal: new Refusal("stream_broken", { log: "drained" }) };
      for (const controller of live) controller.abort(cut);
      await emptied(cutMsMax, () => false);
    },
  };
}
