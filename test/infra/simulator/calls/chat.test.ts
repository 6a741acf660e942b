import { expect, test } from "vitest";
import { Fields } from "#infra/simulator/calls/fields.ts";
import {
  ChatScribe,
  checkLength,
  contextExceeded,
  fitPrompt,
  flawedMessages,
  readChat,
  readPrompt,
  truncated,
} from "#infra/simulator/calls/chat.ts";
import { settle } from "#infra/simulator/options.ts";
import { ServedModels } from "#infra/simulator/served-model.ts";

const models = new ServedModels(settle({ profile: { contextTokens: 128 } }));
const messages = [{ role: "user", content: "Hi" }];
const [model] = models.all;
const truncating = (tokens: number) =>
  new Fields({ truncate_prompt_tokens: tokens }, { truncate_prompt_tokens: "integer" });

test("a call is read with its prompt; the caller's request id becomes its id", () => {
  const ask = readChat(
    { model: "chat", messages, stream: true, stream_options: { include_usage: true } },
    models,
    "req_1",
  );
  expect(ask).toMatchObject({
    id: "chatcmpl-req_1",
    isStream: true,
    usage: { isFinal: true, isContinuous: false },
    echoed: "",
  });
  expect(ask.prompts).toEqual([model && readPrompt(new Fields({ messages }, {}), model).prompt]);
});

test("a model that is unknown comes before a bad parameter, and a bad type before the model", () => {
  expect(() => readChat({ model: "nope", messages, max_tokens: 0 }, models, null)).toThrow("does not exist");
  expect(() => readChat({ model: "nope", messages, max_tokens: "x" }, models, null)).toThrow("int_parsing");
  expect(() => readChat({ messages: null }, models, null)).toThrow("not iterable");
  expect(() => flawedMessages({})).toThrow("Field required");
});

test("a prompt fits, is cut from the left when asked, or is refused", () => {
  expect(fitPrompt([1, 2, 3], truncating(2), 128)).toEqual([2, 3]);
  expect(truncated([1, 2, 3], truncating(-1), 1)).toEqual([3]);
  expect(() => fitPrompt(Array(129).fill(1), new Fields({}, {}), 128)).toThrow(contextExceeded(128).message);
  expect(() => fitPrompt(Array(128).fill(1), new Fields({}, {}), 128)).toThrow("got 0");
  expect(() => checkLength("x".repeat(128 * 13 + 1), new Fields({}, {}), 128)).toThrow("characters");
});

test("a stream opens with a role for each choice", () => {
  const ask = readChat({ messages, n: 2 }, models, "x");
  const opening = new ChatScribe(ask, [], 5_000).opening({
    promptTokens: 1,
    completionTokens: 0,
    cachedTokens: 0,
    createdTokens: 0,
  });
  expect(opening).toEqual(
    [0, 1].map(
      (index) =>
        `{"id":"chatcmpl-x","object":"chat.completion.chunk","created":5,"model":"Qwen/Qwen2.5-7B-Instruct","choices":[{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}`,
    ),
  );
});
