import { afterEach, describe, expect, test } from "vitest";
import { AgentLimits } from "#origin/config.ts";
import { openPosts, type Posts } from "#origin/engines/pool.ts";
import { startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";

const fakes: FakeEngine[] = [];
let posts: Posts;
afterEach(async () => {
  posts.close();
  for (const fake of fakes.splice(0)) await fake.close();
});

async function open(kvPools: number[]) {
  for (const blocks of kvPools) {
    const fake = await startFakeEngine();
    fake.metrics = `vllm:cache_config_info{block_size="16",num_gpu_blocks="${blocks}"} 1\nvllm:num_requests_waiting 1\nvllm:kv_cache_usage_perc 0.${blocks}\n`;
    fakes.push(fake);
  }
  const engines = fakes.map(({ url }, at) => ({ kind: "vllm" as const, url, models: { [`model-${at}`]: "own" } }));
  posts = openPosts(
    { engines, limits: AgentLimits.parse({ pollMs: 60_000 }) },
    () => Date.now(),
    () => {},
  );
  await Promise.all(posts.all.map(({ watch }) => watch.look()));
}

describe("the engines of a node", () => {
  test("each serves its own models, and their load is one", async () => {
    await open([10, 20]);
    const [first] = posts.all;
    expect(posts.serving("model-0")).toBe(first);
    expect(posts.models).toEqual(["model-0", "model-1"]);
    expect(posts.kvPoolTokens).toBe(480);
    posts.serving("model-0").capacity.take(50);
    posts.serving("model-1").capacity.take(70);
    posts.serving("model-1").capacity.take(30);
    expect(posts.load).toEqual({ running: 1, waiting: 2, kvUsed: 0.2, heldTokens: 150 });
    expect(posts.inflight).toBe(3);
  });

  test("an unknown model is 502, one whose engine is down 503", async () => {
    await open([10]);
    expect(() => posts.serving("nope")).toThrow(expect.objectContaining({ code: "bad_gateway" }));
    for (const fake of fakes) fake.isHealthy = false;
    await posts.all[0]?.watch.look();
    expect(() => posts.serving("model-0")).toThrow(expect.objectContaining({ code: "no_healthy_backends" }));
    expect(posts.models).toEqual([]);
  });

  test("the fingerprint is the same for the same engines and changes with a model", async () => {
    await open([10]);
    const { fingerprint } = posts;
    expect(posts.fingerprint).toBe(fingerprint);
    posts.close();
    await open([10]);
    expect(posts.fingerprint).not.toBe(fingerprint);
  });
});
