import { expect, test } from "vitest";
import { Fields } from "#infra/simulator/calls/fields.ts";
import { checkMessages, readChat } from "#infra/simulator/calls/chat.ts";
import { readPrompt } from "#infra/simulator/calls/prompt.ts";
import { resolveOptions } from "#infra/simulator/options.ts";
import { ServedModels } from "#infra/simulator/served-model.ts";

const models = new ServedModels(resolveOptions({ profile: { contextTokens: 128 } }));
const messages = [{ role: "user", content: "Hi" }];
const [model] = models.all;

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

test("echo alone scores the prompt, with as many as top_logprobs says", () => {
  const scores = (over: object) => readChat({ messages, ...over }, models, null).promptLogprobs;
  expect([{}, { echo: true }, { echo: true, logprobs: true, top_logprobs: 2 }].map(scores)).toEqual([null, 0, 2]);
  expect(scores({ echo: true, prompt_logprobs: 1 })).toBe(1);
});

test("a model that is unknown comes before a bad parameter, and a bad type before the model", () => {
  expect(() => readChat({ model: "nope", messages, max_tokens: 0 }, models, null)).toThrow("does not exist");
  expect(() => readChat({ model: "nope", messages, max_tokens: "x" }, models, null)).toThrow("int_parsing");
  expect(() => readChat({ messages: null }, models, null)).toThrow("not iterable");
  expect(() => checkMessages({})).toThrow("Field required");
});
