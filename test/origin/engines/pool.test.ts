import { afterEach, describe, expect, test } from "vitest";
import { AgentLimits } from "#origin/config.ts";
import { openEnginePool, type EnginePool } from "#origin/engines/pool.ts";
import { startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";

const fakes: FakeEngine[] = [];
let pool: EnginePool;
afterEach(async () => {
  pool.close();
  for (const fake of fakes.splice(0)) await fake.close();
});

async function open(kvPools: number[], limits: Partial<AgentLimits> = {}) {
  for (const blocks of kvPools) {
    const fake = await startFakeEngine();
    const config = `vllm:cache_config_info{block_size="16",num_gpu_blocks="${blocks}"} 1`;
    fake.metrics = `${config}\nvllm:num_requests_waiting 1\nvllm:kv_cache_usage_perc 0.${blocks}\n`;
    fakes.push(fake);
  }
  const engines = fakes.map(({ url }, at) => ({ kind: "vllm" as const, url, models: { [`model-${at}`]: "own" } }));
  pool = openEnginePool(
    { engines, limits: AgentLimits.parse({ pollMs: 60_000, ...limits }) },
    () => Date.now(),
    () => {},
  );
  await Promise.all(pool.all.map(({ monitor }) => monitor.poll()));
}

describe("the engines of a node", () => {
  test("each serves its own models, and their load is one", async () => {
    await open([10, 20]);
    const [first] = pool.all;
    expect(pool.findServing("model-0")).toBe(first);
    expect(pool.models).toEqual(["model-0", "model-1"]);
    expect(pool.kvPoolTokens).toBe(480);
    pool.findServing("model-0").capacity.take({ org: "a", sequences: 8, tokens: 50 });
    pool.findServing("model-1").capacity.take({ org: "a", sequences: 1, tokens: 70 });
    pool.findServing("model-1").capacity.take({ org: "b", sequences: 1, tokens: 30 });
    expect(pool.load).toEqual({ running: 8, waiting: 2, kvUsed: 0.2, heldTokens: 150 });
    expect([pool.inflight, pool.sequences]).toEqual([3, 10]);
  });

  test("the largest call has no bound of tokens where an org may be promised more than the pool", async () => {
    await open([10, 20]);
    expect(pool.callMax).toEqual({ sequences: 192 });
  });

  test("the largest call is that of the engine which takes most", async () => {
    await open([10, 20], { kvPromiseMax: 1, sequencesMax: 40 });
    expect(pool.callMax).toEqual({ sequences: 30, tokens: 240 });
  });

  test("an unknown model is 502, one whose engine is down 503", async () => {
    await open([10]);
    expect(() => pool.findServing("nope")).toThrow(expect.objectContaining({ code: "bad_gateway" }));
    for (const fake of fakes) fake.isHealthy = false;
    await pool.all[0]?.monitor.poll();
    expect(() => pool.findServing("model-0")).toThrow(expect.objectContaining({ code: "no_healthy_backends" }));
    expect(pool.models).toEqual([]);
  });

  test("the fingerprint is the same for the same engines and changes with a model", async () => {
    await open([10]);
    const { fingerprint } = pool;
    expect(pool.fingerprint).toBe(fingerprint);
    pool.close();
    await open([10]);
    expect(pool.fingerprint).not.toBe(fingerprint);
  });
});
