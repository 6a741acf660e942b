import { expect, test } from "vitest";
import { Choice } from "#infra/simulator/calls/choice.ts";
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

test("reasoning is a member of its own, in chunks and in whole answers", () => {
  const thinking = new ServedModels(resolveOptions({ models: [{ names: ["m"], thinkingTokens: 3 }] }));
  const ask = readChat({ messages, max_tokens: 5 }, thinking, "x");
  const choice = new Choice({ index: 0, sample: 0 }, "m", [1], {
    sampling: ask.sampling,
    completionTokensMax: 5,
    nextToken: ask.model.nextToken,
    script: null,
    thinkingTokens: ask.thinkingTokens,
  });
  const serializer = new ChatSerializer(ask, [], 5_000);
  while (choice.step() === null);
  const delta = choice.take();
  const { reasoning, text: content } = delta;
  expect([reasoning === "", content === ""]).toEqual([false, false]);
  expect(JSON.parse(serializer.chunk(choice, delta, tally)).choices[0].delta).toEqual({ reasoning, content });
  const whole = JSON.parse(serializer.whole([{ choice, delta }], tally));
  expect(whole.choices[0].message).toMatchObject({ reasoning, content });
});

test("a stream closes with usage alone, unless a fault takes it away", () => {
  const ask = readChat({ messages }, models, "x");
  const closing = new ChatSerializer(ask, [], 5_000).closing(tally);
  expect(JSON.parse(closing ?? "")).toMatchObject({ choices: [], usage: { prompt_tokens: 7, total_tokens: 9 } });
  expect(new ChatSerializer(ask, [{ kind: "usage", lie: "missing" }], 5_000).closing(tally)).toBeNull();
});
