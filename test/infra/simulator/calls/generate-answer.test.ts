import { expect, test, onTestFinished } from "vitest";
import { startSimulator } from "#infra/simulator/server.ts";
import { EngineClient } from "#test/contracts/engine/engine-client.ts";

// `serveCall` is seen through the server here; faults and aborts have their tests in `server.test.ts`.
test("tokens gathered into larger chunks are the same tokens, and usage counts them all", async () => {
  const answers = await Promise.all(
    [1, 8].map(async (tokensPerChunk) => {
      const { url, close } = await startSimulator({ profile: { stepMs: 0 }, tokensPerChunk });
      onTestFinished(close);
      return new EngineClient(url).chunks("/v1/completions", {
        prompt: "x",
        max_tokens: 64,
        ignore_eos: true,
        return_token_ids: true,
        stream_options: { include_usage: true },
      });
    }),
  );
  const ids = answers.map((chunks) => chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? []));
  expect(ids[0]).toEqual(ids[1]);
  expect(answers.map((chunks) => chunks.at(-1)?.usage?.completion_tokens)).toEqual([64, 64]);
  expect(answers[1]?.length).toBeLessThan(12);
});

test("a prompt near the context gets what room is left, and no token more", async () => {
  const { url, close, models } = await startSimulator({ profile: { stepMs: 0, contextTokens: 64 } });
  onTestFinished(close);
  const { usage } = await new EngineClient(url).whole("/v1/completions", {
    prompt: Array(60).fill(65),
    max_tokens: 64,
    ignore_eos: true,
  });
  expect(usage).toMatchObject({ prompt_tokens: 60, completion_tokens: 4 });
  expect(models.all[0]?.engine.pool.usedCount).toBe(0);
});
