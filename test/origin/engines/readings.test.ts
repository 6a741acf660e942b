import { describe, expect, test } from "vitest";
import { readReadings } from "#origin/engines/readings.ts";
import { readMetricsPage } from "#test/support/recordings.ts";

describe("vLLM's metrics page", () => {
  test("as recorded from vLLM 0.32", () => {
    const page = readMetricsPage("metrics");
    const pool = /block_size="(\d+)".*num_gpu_blocks="(\d+)"/.exec(
      page.split("\n").find((line) => line.startsWith("vllm:cache_config_info{")) ?? "",
    );
    expect(readReadings(page)).toEqual({
      running: 0,
      waiting: 0,
      kvUsed: 0,
      generatedTokens: 11_576,
      kvPoolTokens: Number(pool?.[1]) * Number(pool?.[2]),
    });
  });

  test("what is not there is unknown, not 0", () => {
    expect(readReadings("")).toEqual({
      running: null,
      waiting: null,
      kvUsed: null,
      kvPoolTokens: null,
      generatedTokens: null,
    });
  });

  test("two engines are summed, the fuller one gives the share", () => {
    const page = [
      'vllm:num_requests_running{engine="0"} 2',
      'vllm:num_requests_running{engine="1"} 3.0',
      'vllm:kv_cache_usage_perc{engine="0"} 0.2',
      'vllm:kv_cache_usage_perc{engine="1"} 0.7',
    ].join("\n");
    expect(readReadings(page)).toMatchObject({ running: 5, kvUsed: 0.7 });
  });

  test("NaN, infinities and longer names are no figures; counters are read with and without _total", () => {
    const page = [
      "vllm:num_requests_running NaN",
      "vllm:num_requests_waiting +Inf",
      'vllm:num_requests_waiting_by_reason{reason="x"} 9',
      "vllm:generation_tokens 12",
      "# vllm:kv_cache_usage_perc 1",
    ].join("\n");
    expect(readReadings(page)).toEqual({
      running: null,
      waiting: null,
      kvUsed: null,
      kvPoolTokens: null,
      generatedTokens: 12,
    });
  });

  test("a pool of no known size is unknown", () => {
    expect(readReadings('vllm:cache_config_info{block_size="None",num_gpu_blocks="None"} 1.0').kvPoolTokens).toBeNull();
  });
});
