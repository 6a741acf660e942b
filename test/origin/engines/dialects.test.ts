import { expect, test } from "vitest";
import { dialects, mayStream } from "#origin/engines/dialects.ts";

test("only what no engine can stream is asked for in one piece", () => {
  for (const body of [{}, { echo: true, max_tokens: 0, logprobs: 5 }, { n: 8, tools: [] }, { prompt_logprobs: null }])
    expect(mayStream(body)).toBe(true);
  for (const body of [{ prompt_logprobs: 0 }, { prompt_logprobs: -1 }, { audio: {} }])
    expect(mayStream(body)).toBe(false);
});

test("what vLLM alone knows is asked of vLLM alone", () => {
  const kinds = Object.entries(dialects).filter(([, { hasStreamInterval }]) => hasStreamInterval);
  expect(kinds.map(([kind]) => kind)).toEqual(["vllm", "simulator"]);
});
