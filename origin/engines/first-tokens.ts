import type { AgentLimits } from "../config.ts";

/** What is told of a call that waits for a grammar. Times are in ms since it was sent to the engine. */
export interface SlowListener {
  /** It has waited for longer than it should, and waits still. */
  onSlow(ms: number): void;
  /** One that was slow has its first token, or has ended without one. */
  onSlowEnd(ms: number, hasToken: boolean): void;
  /** Its first token has come, slow or not. */
  onToken(ms: number): void;
}

/** The wait of one call for its first token. */
export interface FirstTokenWatch {
  noteToken(): void;
  /** The call is over; more than once changes nothing. */
  stop(): void;
}

/** How long the first tokens of one engine take. */
export interface FirstTokens {
  /** Begins to wait. `listener`: of a call whose answer has a form; others show what is usual here. */
  watch(listener: SlowListener | null): FirstTokenWatch;
  /** What calls without a form wait, in ms: a mean of the latest; 0 before the first. */
  readonly usualMs: number;
}

/** Each call moves the mean by a tenth. */
const weight = 0.1;
/** An engine that is busy makes everybody wait: a form is to blame from so many times the usual on. */
const slowTimes = 4;

/**
 * Watches the first tokens of one engine. While vLLM compiles a grammar its scheduler may stand still for all: whoever
 * sent it is to be known, while it lasts.
 */
export function openFirstTokens(
  { slowStructuredMs }: Pick<AgentLimits, "slowStructuredMs">,
  now: () => number,
): FirstTokens {
  let usualMs: number | null = null;

  function watchPlain(): FirstTokenWatch {
    const startedAtMs = now();
    return {
      noteToken() {
        const ms = now() - startedAtMs;
        usualMs = usualMs === null ? ms : usualMs + weight * (ms - usualMs);
      },
      stop() {},
    };
  }

  function watchStructured(listener: SlowListener): FirstTokenWatch {
    const startedAtMs = now();
    let isSlow = false;
    let isOver = false;
    const timer = setTimeout(
      () => {
        isSlow = true;
        listener.onSlow(now() - startedAtMs);
      },
      Math.max(slowStructuredMs, slowTimes * (usualMs ?? 0)),
    );
    timer.unref();
    const end = (hasToken: boolean) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      const ms = now() - startedAtMs;
      if (hasToken) listener.onToken(ms);
      if (isSlow) listener.onSlowEnd(ms, hasToken);
    };
    return { noteToken: () => end(true), stop: () => end(false) };
  }

  return {
    watch: (listener) => (listener ? watchStructured(listener) : watchPlain()),
    get usualMs() {
      return Math.round(usualMs ?? 0);
    },
  };
}
