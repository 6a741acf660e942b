import { expect, test } from "vitest";
import { readChat } from "#infra/simulator/calls/chat.ts";
import { ChatSerializer } from "#infra/simulator/calls/chat-serializer.ts";
import { resolveOptions } from "#infra/simulator/options.ts";
import { ServedModels } from "#infra/simulator/served-model.ts";

const models = new ServedModels(resolveOptions({ profile: { contextTokens: 128 } }));
const messages = [{ role: "user", content: "Hi" }];
const tally = { promptTokens: 7, completionTokens: 2, cachedTokens: 0, createdTokens: 0 };

test("a stream opens with a role for each choice", () => {
  const ask = readChat({ messages, n: 2 }, models, "x");
  const opening = new ChatSerializer(ask, [], 5_000).opening(tally);
  expect(opening).toEqual(
    [0, 1].map(
      (index) =>
        '{"id":"chatcmpl-x","object":"chat.completion.chunk","created":5,"model":"Qwen/Qwen2.5-7B-Instruct",' +
        `"choices":[{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,` +
        `"finish_reason":null}],` +
        '"prompt_token_ids":null,"prompt_text":null}',
    ),
  );
});

test("a stream closes with usage alone, unless a fault takes it away", () => {
  const ask = readChat({ messages }, models, "x");
  const closing = new ChatSerializer(ask, [], 5_000).closing(tally);
  expect(JSON.parse(closing ?? "")).toMatchObject({ choices: [], usage: { prompt_tokens: 7, total_tokens: 9 } });
  expect(new ChatSerializer(ask, [{ kind: "usage", lie: "missing" }], 5_000).closing(tally)).toBeNull();
});
