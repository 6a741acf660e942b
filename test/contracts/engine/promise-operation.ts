import { expect } from "vitest";
import { chat, type Promised } from "./promise.ts";

/** What an operator and the agent see of an engine. */
export function promiseOperation(promise: Promised) {
  promise("/health is an empty 200", async ({ client }) => {
    const response = await fetch(`${client.url}/health`);
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
  promise("/v1/models names the model and its context", async ({ client, model }) => {
    const { data } = (await (await fetch(`${client.url}/v1/models`)).json()) as {
      data: { id: string; max_model_len: number }[];
    };
    expect(data.find(({ id }) => id === model)?.max_model_len).toBeGreaterThan(0);
  });
  promise("the metrics that the agent reads are there, and counters move", async ({ client, ask }) => {
    const before = (await client.metric("vllm:generation_tokens_total")) ?? 0;
    await client.whole(chat, { ...ask, max_tokens: 5, ignore_eos: true });
    expect(await client.metric("vllm:generation_tokens_total")).toBeGreaterThanOrEqual(before + 5);
    const names = [
      "num_requests_running",
      "num_requests_waiting",
      "kv_cache_usage_perc",
      "prompt_tokens_total",
      "prefix_cache_queries_total",
      "prefix_cache_hits_total",
      "num_preemptions_total",
      "request_success_total",
      "admission_rejections_total",
      "cache_config_info",
    ];
    const absent = [];
    for (const name of names) if ((await client.metric(`vllm:${name}`)) === null) absent.push(name);
    expect(absent).toEqual([]);
  });
  promise("the work of a caller who leaves a stream is aborted within a second", async ({ client, ask }) => {
    const made = (await client.metric("vllm:generation_tokens_total")) ?? 0;
    const leave = new AbortController();
    const response = await client.post(
      chat,
      { ...ask, stream: true, max_tokens: 1_500, ignore_eos: true },
      { signal: leave.signal },
    );
    await response.body?.getReader().read();
    leave.abort();
    await client.idle(1_000);
    expect(await client.metric("vllm:generation_tokens_total")).toBeLessThan(made + 1_500);
    // vLLM has this label and never counts by it.
    expect(await client.metric("vllm:request_success_total", 'finished_reason="abort"')).toBe(0);
  });
  promise(
    "the work of a caller who leaves before a whole answer is aborted within a second",
    async ({ client, ask }) => {
      const leave = new AbortController();
      const call = client.post(chat, { ...ask, max_tokens: 1_500, ignore_eos: true }, { signal: leave.signal });
      setTimeout(() => leave.abort(), 100);
      await expect(call).rejects.toThrow();
      await client.idle(1_000);
    },
  );
  promise("an embedding is a vector for each input, billed by its prompt alone", async ({ client, embeddingModel }) => {
    const body = { model: embeddingModel ?? "none", input: ["one", "two words"] };
    const response = await client.post("/v1/embeddings", body);
    expect(response.status).toBe(embeddingModel === null ? 404 : 200);
    const answer = (await response.json()) as {
      data?: { embedding: number[] }[];
      usage?: { total_tokens: number; prompt_tokens: number };
    };
    expect(answer.data?.length ?? 2).toBe(2);
    expect(answer.usage?.total_tokens).toBe(answer.usage?.prompt_tokens);
  });
}
