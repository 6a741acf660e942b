/** A Prometheus histogram: cumulative counts per upper bound, a sum and a count. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const at = this.bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.counts[at] = (this.counts[at] ?? 0) + 1;
  }
}

const firstTokenBounds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2_560,
];
const interTokenBounds = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const latencyBounds = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1_920, 7_680];
const tokenBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/** What an engine has done since it started; `/metrics` reads it. */
export class EngineStats {
  steps = 0;
  promptTokens = 0;
  generationTokens = 0;
  prefixQueries = 0;
  prefixHits = 0;
  preemptions = 0;
  rejections = 0;
  /** vLLM has a label for aborts and never counts one (measured with 0.32.0), so they are kept apart. */
  aborts = 0;
  readonly finished = { stop: 0, length: 0, abort: 0, error: 0, repetition: 0 };
  readonly firstTokenSeconds = new Histogram(firstTokenBounds);
  readonly interTokenSeconds = new Histogram(interTokenBounds);
  readonly queueSeconds = new Histogram(latencyBounds);
  readonly latencySeconds = new Histogram(latencyBounds);
  readonly requestPromptTokens = new Histogram(tokenBounds);
  readonly requestGenerationTokens = new Histogram(tokenBounds);

  /** A sequence that ended by itself. */
  finish(reason: "stop" | "length", promptTokens: number, generationTokens: number, seconds: number): void {
    this.finished[reason]++;
    this.latencySeconds.observe(seconds);
    this.requestPromptTokens.observe(promptTokens);
    this.requestGenerationTokens.observe(generationTokens);
  }
}
