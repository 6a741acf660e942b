import { afterEach, describe, expect, test } from "vitest";
import type { EngineKind } from "#origin/config.ts";
import { openEngine } from "#origin/engines/http/client.ts";
import { openEngineMonitor, type EngineMonitor } from "#origin/engines/health.ts";
import { startFakeEngine, type FakeEngine } from "#test/support/fakes/fake-engine.ts";

let fake: FakeEngine;
let watch: EngineMonitor;
let now = 0;
afterEach(async () => {
  watch.close();
  await fake.close();
});

async function watchFake(kind: EngineKind = "vllm"): Promise<string[]> {
  fake = await startFakeEngine();
  const states: string[] = [];
  const engine = openEngine({ kind, url: fake.url, models: { a: "a" } });
  watch = openEngineMonitor(
    engine,
    { pollMs: 60_000, stuckMs: 20_000 },
    () => now,
    () => void states.push(watch.state),
  );
  await watch.poll();
  return states;
}
const page = (running: number, tokens: number) =>
  `vllm:num_requests_running ${running}\nvllm:generation_tokens_total ${tokens}\n`;

describe("an engine's watch", () => {
  test("ready when its health page says 200, unhealthy when it says otherwise, and ready again", async () => {
    const states = await watchFake();
    expect([watch.state, watch.version]).toEqual(["ready", "0.0-fake"]);
    fake.isHealthy = false;
    await watch.poll();
    fake.isHealthy = true;
    await watch.poll();
    expect(states).toEqual(["ready", "unhealthy", "ready"]);
  });

  test("a refused connection counts at once", async () => {
    await watchFake();
    await fake.close();
    await watch.poll();
    expect(watch.state).toBe("unhealthy");
  });

  test("sequences that run without a new token for 20 s mean that it is stuck, though its page says 200", async () => {
    await watchFake();
    fake.metrics = page(2, 100);
    await watch.poll();
    now += 19_000;
    await watch.poll();
    expect(watch.state).toBe("ready");
    now += 1_000;
    await watch.poll();
    expect(watch.state).toBe("unhealthy");
    fake.metrics = page(2, 101);
    await watch.poll();
    expect(watch.state).toBe("ready");
  });

  test.each<EngineKind>(["openai", "ollama", "llama-server", "llamacpp"])(
    "%s has no metrics: nobody can tell that it is stuck, and it stays ready",
    async (kind) => {
      await watchFake(kind);
      for (let at = 0; at < 3; at++) {
        now += 60_000;
        await watch.poll();
        expect(watch.state).toBe("ready");
      }
    },
  );

  test("an idle engine is not stuck", async () => {
    await watchFake();
    fake.metrics = page(0, 100);
    await watch.poll();
    now += 3_600_000;
    await watch.poll();
    expect(watch.state).toBe("ready");
  });
});
