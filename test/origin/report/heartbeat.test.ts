import { expect, test } from "vitest";
import { Heartbeat } from "#edge/agreements/records/node.ts";
import { openHeartbeat } from "#origin/report/heartbeat.ts";
import { startFakeEngine } from "#test/support/fakes/fake-engine.ts";
import { setUp, until } from "#test/support/fakes/origin.ts";

test("the edge hears signed, numbered reports of one boot, and of a change at once", async () => {
  const engine = await startFakeEngine();
  engine.metrics = 'vllm:cache_config_info{block_size="16",num_gpu_blocks="100"} 1\nvllm:kv_cache_usage_perc 0.25\n';
  const setup = await setUp(engine.url, { limits: { heartbeatMs: 3_600_000 } });
  await until(() => setup.edge.heartbeats.some(({ state }) => state === "ready"));
  engine.isHealthy = false;
  await until(() => setup.edge.heartbeats.some(({ state }) => state === "unhealthy"));
  const beats = setup.edge.heartbeats.map((beat) => Heartbeat.parse(beat));
  expect(beats.map(({ sequence }) => sequence)).toEqual(beats.map((_, at) => at));
  expect(new Set(beats.map(({ bootId }) => bootId)).size).toBe(1);
  expect(beats.find(({ state }) => state === "ready")).toMatchObject({
    node: "node_test",
    models: ["public"],
    engine: { kind: "vllm", version: "0.0-fake" },
    kvPoolTokens: 1_600,
    callMax: { sequences: 192 },
    load: { kvUsed: 0.25 },
  });
  expect(beats.at(-1)?.models).toEqual([]);
  expect(setup.edge.badTokens).toBe(0);
  await setup.stop();
  await engine.close();
});

test("one report at a time: what changes meanwhile is sent right after, once; a deaf edge is logged once", async () => {
  let open = 0;
  let openMax = 0;
  let sent = 0;
  const events: string[] = [];
  const heartbeat = openHeartbeat({
    edgeUrl: "http://edge.test",
    sign: () => "t",
    log: (event) => void events.push(event),
    intervalMs: 3_600_000,
    read: () => ({
      node: "node_a",
      bootId: "b",
      bootedAtMs: 0,
      state: "ready",
      models: [],
      engine: { kind: "vllm", version: "", fingerprint: "" },
      kvPoolTokens: 0,
      callMax: { sequences: 1 },
      load: { running: 0, waiting: 0, kvUsed: 0, heldTokens: 0 },
    }),
    fetch: async () => {
      openMax = Math.max(openMax, ++open);
      await new Promise((resolve) => setTimeout(resolve, 20));
      open--;
      sent++;
      return new Response(null, { status: 503 });
    },
  });
  await Promise.all([heartbeat.send(), heartbeat.send(), heartbeat.send(), heartbeat.send()]);
  await until(() => sent === 2);
  expect([sent, openMax]).toEqual([2, 1]);
  expect(events).toEqual(["heartbeat_failing"]);
  heartbeat.close();
});
