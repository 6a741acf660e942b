import { quantile } from "../stats.ts";

/**
 * The result. Latencies are in ms: of the whole answer in a closed loop; of the first event and between events in an
 * open one.
 */
export interface LoadFigures {
  calls: number;
  /** From the first call to the last answer. */
  wallMs: number;
  wrong: number;
  firstWrong: string | null;
  p50Ms: number;
  p99Ms: number;
  gapP50Ms: number;
  /** Answers of a closed loop, by status. */
  statuses: Record<number, number>;
}

/** Adds up what a load saw. */
export class LoadMeter {
  readonly gaps: number[] = [];
  readonly #statuses: Record<number, number> = {};
  readonly #ms: number[] = [];
  #calls = 0;
  #wrong = 0;
  #firstWrong: string | null = null;

  /** `ms` is null for a call that counts and is not timed. */
  add(ms: number | null, wrong: string | null): void {
    this.#calls++;
    if (ms !== null) this.#ms.push(ms);
    if (wrong === null) return;
    this.#wrong++;
    this.#firstWrong ??= wrong;
  }

  countStatus(status: number): void {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
  }

  report(wallMs: number): LoadFigures {
    return {
      calls: this.#calls,
      wallMs,
      wrong: this.#wrong,
      firstWrong: this.#firstWrong,
      p50Ms: quantile(this.#ms, 0.5),
      p99Ms: quantile(this.#ms, 0.99),
      gapP50Ms: quantile(this.gaps, 0.5),
      statuses: this.#statuses,
    };
  }
}
