import { expect, test } from "vitest";
import { virtualClock } from "#infra/simulator/engine/clock.ts";
import { EngineCore } from "#infra/simulator/engine/engine.ts";
import { writeMetrics } from "#infra/simulator/metrics.ts";
import { l4Profile } from "#infra/simulator/options.ts";
import { readMetricsPage } from "#test/support/recordings.ts";

const text = writeMetrics(
  new Map([
    ["a", new EngineCore(l4Profile, virtualClock())],
    ["b", new EngineCore(l4Profile, virtualClock())],
  ]),
);
const typesIn = (metrics: string) =>
  new Map([...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));

test("every metric has a name and a type that the recorded vLLM has too", () => {
  const known = typesIn(readMetricsPage("metrics"));
  for (const [name, type] of typesIn(text)) expect([name, type]).toEqual([name, known.get(name)]);
});

test("samples carry model and engine, one series a model", () => {
  expect(text).toContain(
    'vllm:num_requests_running{engine="0",model_name="a"} 0.0\n' +
      'vllm:num_requests_running{engine="0",model_name="b"} 0.0\n',
  );
  expect(text).toMatch(/vllm:cache_config_info\{block_size="16",.*num_gpu_blocks="6050"\} 1\.0/);
});

test("a histogram's buckets never fall, and end with all", () => {
  expect(text).toContain('vllm:e2e_request_latency_seconds_bucket{engine="0",le="+Inf",model_name="a"} 0.0');
});
