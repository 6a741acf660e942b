import { blockTokens } from "./engine/blocks.ts";
import type { EngineCore } from "./engine/engine.ts";
import type { Histogram } from "./engine/stats.ts";

type Labels = Record<string, string>;
type Sample = [labels: Labels, value: number];

/** The engines' figures in Prometheus' text format, under the names and labels of vLLM 0.32. */
export function writeMetrics(engines: ReadonlyMap<string, EngineCore>): string {
  const lines: string[] = [];
  const sampleAll = (sample: (engine: EngineCore) => Sample[]): Sample[] =>
    [...engines].flatMap(([model, engine]) =>
      sample(engine).map(([labels, value]): Sample => [{ engine: "0", model_name: model, ...labels }, value]),
    );
  const family = (name: string, type: "gauge" | "counter", help: string, sample: (engine: EngineCore) => Sample[]) => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, value] of sampleAll(sample)) lines.push(`${name}${writeLabels(labels)} ${writeNumber(value)}`);
  };
  const histogram = (name: string, help: string, select: (engine: EngineCore) => Histogram) => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} histogram`);
    for (const [model, engine] of engines)
      lines.push(...writeHistogram(name, { engine: "0", model_name: model }, select(engine)));
  };
  writeGauges(family);
  writeCounters(family);
  histogram(
    "vllm:request_prompt_tokens",
    "Number of prefill tokens processed.",
    ({ stats }) => stats.requestPromptTokens,
  );
  histogram(
    "vllm:request_generation_tokens",
    "Number of generation tokens processed.",
    ({ stats }) => stats.requestGenerationTokens,
  );
  histogram(
    "vllm:time_to_first_token_seconds",
    "Histogram of time to first token in seconds.",
    ({ stats }) => stats.firstTokenSeconds,
  );
  histogram(
    "vllm:inter_token_latency_seconds",
    "Histogram of inter-token latency in seconds.",
    ({ stats }) => stats.interTokenSeconds,
  );
  histogram(
    "vllm:e2e_request_latency_seconds",
    "Histogram of e2e request latency in seconds.",
    ({ stats }) => stats.latencySeconds,
  );
  histogram(
    "vllm:request_queue_time_seconds",
    "Histogram of time spent in WAITING phase for request.",
    ({ stats }) => stats.queueSeconds,
  );
  return `${lines.join("\n")}\n`;
}

type Family = (name: string, type: "gauge" | "counter", help: string, sample: (engine: EngineCore) => Sample[]) => void;

function writeGauges(family: Family) {
  family("vllm:num_requests_running", "gauge", "Number of requests in model execution batches.", (engine) => [
    [{}, engine.running],
  ]);
  family("vllm:num_requests_waiting", "gauge", "Number of requests waiting to be processed.", (engine) => [
    [{}, engine.waiting],
  ]);
  family("vllm:num_requests_waiting_by_reason", "gauge", "Number of waiting requests by reason.", (engine) => [
    [{ reason: "capacity" }, engine.waiting],
    [{ reason: "deferred" }, 0],
  ]);
  family("vllm:engine_sleep_state", "gauge", "Engine sleep state.", () => [
    [{ sleep_state: "awake" }, 1],
    [{ sleep_state: "weights_offloaded" }, 0],
    [{ sleep_state: "discard_all" }, 0],
  ]);
  family("vllm:kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.", (engine) => [
    [{}, engine.kvUsed],
  ]);
  family("vllm:cache_config_info", "gauge", "Information of the LLMEngine CacheConfig", ({ pool }) => [
    [{ block_size: String(blockTokens), enable_prefix_caching: "True", num_gpu_blocks: String(pool.total) }, 1],
  ]);
}

function writeCounters(family: Family) {
  family(
    "vllm:prefix_cache_queries_total",
    "counter",
    "Prefix cache queries, in terms of number of queried tokens.",
    ({ stats }) => [[{}, stats.prefixQueries]],
  );
  family(
    "vllm:prefix_cache_hits_total",
    "counter",
    "Prefix cache hits, in terms of number of cached tokens.",
    ({ stats }) => [[{}, stats.prefixHits]],
  );
  family("vllm:num_preemptions_total", "counter", "Cumulative number of preemption from the engine.", ({ stats }) => [
    [{}, stats.preemptions],
  ]);
  family("vllm:prompt_tokens_total", "counter", "Number of prefill tokens processed.", ({ stats }) => [
    [{}, stats.promptTokens],
  ]);
  family(
    "vllm:prompt_tokens_cached_total",
    "counter",
    "Number of cached prompt tokens (local + external).",
    ({ stats }) => [[{}, stats.prefixHits]],
  );
  family("vllm:generation_tokens_total", "counter", "Number of generation tokens processed.", ({ stats }) => [
    [{}, stats.generationTokens],
  ]);
  family("vllm:request_success_total", "counter", "Count of successfully processed requests.", ({ stats }) =>
    Object.entries(stats.finished).map(([reason, count]): Sample => [{ finished_reason: reason }, count]),
  );
  family(
    "vllm:admission_rejections_total",
    "counter",
    "Number of admission attempts rejected by a queue limit, by reason.",
    ({ stats }) => [
      [{ reason: "max_num_queued_reqs" }, stats.rejections],
      [{ reason: "max_num_queued_tokens" }, 0],
    ],
  );
}

function writeHistogram(name: string, labels: Labels, { bounds, counts, sum, count }: Histogram): string[] {
  let below = 0;
  const buckets = bounds.map((bound, at) => {
    below += counts[at] ?? 0;
    return `${name}_bucket${writeLabels({ ...labels, le: writeNumber(bound) })} ${writeNumber(below)}`;
  });
  const rest = writeLabels(labels);
  return [
    ...buckets,
    `${name}_bucket${writeLabels({ ...labels, le: "+Inf" })} ${writeNumber(count)}`,
    `${name}_count${rest} ${writeNumber(count)}`,
    `${name}_sum${rest} ${sum}`,
  ];
}

/** Prometheus' Python client sorts labels and writes floats. */
function writeLabels(labels: Labels): string {
  const sorted = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${sorted.map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

const writeNumber = (value: number): string => (Number.isInteger(value) ? `${value}.0` : String(value));
